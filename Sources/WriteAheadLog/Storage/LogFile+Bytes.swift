extension LogFile {
    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        try bytes.withUnsafeBufferPointer { buffer throws(StorageError) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }

    /// `byteCount` bytes from `offset` on, fewer only where the file ends.
    func read(_ byteCount: Int, at offset: UInt64) throws(StorageError) -> [UInt8] {
        precondition(byteCount > 0, "something is asked for")
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(StorageError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        bytes.removeLast(byteCount - count)
        return bytes
    }

    func zero(_ byteCount: Int, at offset: UInt64) throws(StorageError) {
        guard byteCount > 0 else { return }
        try write([UInt8](repeating: 0, count: byteCount), at: offset)
    }
}
