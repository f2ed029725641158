/// The bytes that the scanners of this room look for.
enum Ascii {
    static let newline: UInt8 = 10
    static let carriageReturn: UInt8 = 13
    static let space: UInt8 = 32
    static let quote: UInt8 = 34
    static let hash: UInt8 = 35
    static let dollar: UInt8 = 36
    static let apostrophe: UInt8 = 39
    static let openParenthesis: UInt8 = 40
    static let closeParenthesis: UInt8 = 41
    static let star: UInt8 = 42
    static let slash: UInt8 = 47
    static let openBracket: UInt8 = 91
    static let backslash: UInt8 = 92
    static let closeBracket: UInt8 = 93
    static let backtick: UInt8 = 96
    static let openBrace: UInt8 = 123
    static let closeBrace: UInt8 = 125

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 32) &- 97 < 26 }

    /// A byte that can begin a name; every byte of a character beyond ASCII counts as a letter.
    @inline(__always)
    static func isNameStart(_ byte: UInt8) -> Bool { isLetter(byte) || byte == 95 || byte >= 128 }

    @inline(__always)
    static func isName(_ byte: UInt8) -> Bool { isNameStart(byte) || isDigit(byte) }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 32 : byte }
}
