/// The byte order of every format of ours.
extension Array where Element == UInt8 {
    @inlinable
    public mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    @inlinable
    public mutating func replaceLittleEndian<Value: FixedWidthInteger>(_ value: Value, at index: Int) {
        precondition(index >= 0 && index + MemoryLayout<Value>.size <= count, "the field lies within the bytes")
        withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: index, as: Value.self) }
    }
}

extension ArraySlice where Element == UInt8 {
    /// The integer at `index`, which is an index of the slice. The caller has checked that it is all there.
    @inlinable
    public func littleEndian<Value: FixedWidthInteger>(at index: Int, as type: Value.Type = Value.self) -> Value {
        precondition(
            index >= startIndex && index + MemoryLayout<Value>.size <= endIndex, "the field lies within the bytes")
        return withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: index - startIndex, as: Value.self))
        }
    }
}
