/// FNV-1a, 64 bits: a hash that is the same in every process, for ids and look-up tables, not against an adversary.
enum ByteHash {
    static let start: UInt64 = 0xcbf2_9ce4_8422_2325

    @inline(__always)
    static func add(_ byte: UInt8, to hash: UInt64) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }

    static func of(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = start
        for byte in bytes { hash = add(byte, to: hash) }
        return hash
    }

    static func of(_ text: String) -> UInt64 {
        text.utf8.reduce(start) { add($1, to: $0) }
    }

    static func hexadecimal(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
