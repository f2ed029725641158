/// A piece of source text. Twelve bytes each, because a run holds one for every word of every file.
struct Token: Sendable {
    enum Kind: UInt8, Sendable {
        case name
        case number
        /// A string or character without interpolation, delimiters included.
        case string
        /// A string that contains expressions; they stay inside the token.
        case interpolation
        /// A literal regular expression.
        case pattern
        case comment
        /// An operator or a bracket.
        case sign
        /// A line for the preprocessor or a conditional compilation line, up to its end.
        case directive
    }

    let offset: UInt32
    let length: UInt32
    let kind: Kind
    /// Which keyword or sign it is; `other` for all the rest.
    let symbol: Symbol

    @inline(__always)
    init(_ kind: Kind, from start: Int, to end: Int, symbol: Symbol = .other) {
        offset = UInt32(start)
        length = UInt32(end - start)
        self.kind = kind
        self.symbol = symbol
    }

    var start: Int { Int(offset) }
    var end: Int { Int(offset) + Int(length) }
    var isString: Bool { kind == .string || kind == .interpolation }
}
