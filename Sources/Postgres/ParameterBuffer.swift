import CPostgres

/// The values of one statement in the four parallel arrays that libpq takes. A session keeps one and fills it again for
/// each statement, so that a batch allocates nothing per value.
struct ParameterBuffer {
    private var bytes: [UInt8] = []
    /// Where each value starts in `bytes`; -1 for NULL.
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    mutating func fill(_ values: [PostgresValue]) {
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        for value in values {
            let start = bytes.count
            value.append(to: &bytes)
            // A value of no bytes still needs an address: libpq takes a null pointer for NULL.
            if case .null = value { offsets.append(-1) } else { offsets.append(start) }
            lengths.append(Int32(bytes.count - start))
            formats.append(value.isBinary ? 1 : 0)
        }
        bytes.append(0)
    }

    /// Calls `body` with count, values, lengths and formats, valid during the call.
    mutating func withPointers<Value>(
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> Value
    ) -> Value {
        bytes.withUnsafeBytes { raw in
            let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            pointers.removeAll(keepingCapacity: true)
            for offset in offsets {
                pointers.append(offset < 0 ? nil : base.map { $0 + offset })
            }
            return pointers.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(Int32(values.count), values.baseAddress, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }

    /// Gives back the memory that an unusually large batch has taken.
    mutating func shrink(toBytes limit: Int) {
        if bytes.capacity > limit { self = ParameterBuffer() }
    }
}
