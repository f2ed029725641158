/// 16 lower-case digits.
func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

/// 2 lower-case digits.
func hexadecimal(_ value: UInt8) -> String {
    let digits = String(value, radix: 16)
    return value < 16 ? "0" + digits : digits
}

extension Collection<UInt8> {
    /// The number that the bytes spell in lower-case hexadecimal; nil for anything else, upper case, signs and more
    /// than 16 digits included (`UInt64(_:radix:)` accepts the first two, which W3C trace context does not).
    var lowerCaseHexadecimal: UInt64? {
        guard (1...16).contains(count) else { return nil }
        var value: UInt64 = 0
        for byte in self {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
