import CLZ4

/// One LZ4 block. The length after decompression travels beside it and bounds what is written.
enum LZ4Block {
    /// Nil if the bytes do not get smaller.
    static func compress(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard bytes.count > 0, bytes.count <= Int(Int32.max) / 2 else { return nil }
        let bound = Int(LZ4_compressBound(Int32(bytes.count)))
        let compressed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            let written = buffer.withMemoryRebound(to: CChar.self) { output in
                bytes.withMemoryRebound(to: CChar.self) { input in
                    LZ4_compress_default(input.baseAddress, output.baseAddress, Int32(input.count), Int32(bound))
                }
            }
            count = max(0, Int(written))
        }
        return compressed.isEmpty || compressed.count >= bytes.count ? nil : compressed
    }

    /// Nil unless the block is sound and gives exactly `length` bytes. The caller has checked `length` against a limit.
    static func decompress(_ block: UnsafeRawBufferPointer, length: Int) -> [UInt8]? {
        guard block.count > 0, block.count <= Int(Int32.max), length >= 0, length <= Int(Int32.max) else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            let written = buffer.withMemoryRebound(to: CChar.self) { output in
                block.withMemoryRebound(to: CChar.self) { input in
                    LZ4_decompress_safe(input.baseAddress, output.baseAddress, Int32(input.count), Int32(length))
                }
            }
            count = max(0, Int(written))
        }
        return bytes.count == length ? bytes : nil
    }
}
