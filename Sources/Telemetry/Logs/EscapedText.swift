extension [UInt8] {
    /// Appends the text as a JSON string with its quotes.
    mutating func appendJSONString(_ text: String) {
        append(UInt8(ascii: "\""))
        appendEscaped(text, quotes: true)
        append(UInt8(ascii: "\""))
    }

    /// Appends the text so that it cannot end its line or string, nor move a terminal's cursor or turn its direction of
    /// writing: control characters of both ranges, the Unicode line ends and the bidirectional controls become JSON
    /// escapes.
    mutating func appendEscaped(_ text: String, quotes: Bool) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22 where quotes: append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\"")])
            case 0x5C: append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\\")])
            case 0x0A: append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x0D: append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            case 0x09: append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                appendUnicodeEscape(scalar.value)
            case 0x20..<0x7F: append(UInt8(scalar.value))
            default: append(contentsOf: Character(scalar).utf8)
            }
        }
    }

    private mutating func appendUnicodeEscape(_ value: UInt32) {
        append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
        for shift in [12, 8, 4, 0] as [UInt32] {
            let digit = UInt8(value >> shift & 0xF)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
