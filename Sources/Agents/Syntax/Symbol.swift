/// The keywords and signs that the analyses ask about, over all languages; each language asks for its own only.
enum Symbol: UInt8, Sendable, CaseIterable {
    case other
    // Declarations
    case `func`, fn, function, def, `init`, `deinit`, `subscript`, `var`, `let`, const, `class`, `struct`, interface
    case `protocol`, `extension`, actor, namespace, `enum`, impl, trait, mod, type, `typealias`, `associatedtype`
    case `operator`, record, template, package, `import`, use, from, `public`, `private`, `internal`, `static`
    case `get`, `set`, willSet, didSet, export
    // Control
    case `if`, elif, `else`, `guard`, `for`, `while`, loop, `repeat`, `do`, `switch`, `case`, `default`, match, select
    case `catch`, except, `try`, `throw`, `throws`, `rethrows`, async, await, `return`, with, synchronized, and, or, not
    case `in`, of, `where`, lambda, new, typeof, `as`, unsafe, sizeof, yield, delete, void, instanceof
    case noexcept, override, final, `mutating`, alignof, decltype, static_assert, alignas
    // Signs
    case openParenthesis, closeParenthesis, openBracket, closeBracket, openBrace, closeBrace
    case comma, semicolon, colon, dot, equals, question, bang, less, greater, at, hash, plus, minus, percent, ampersand
    case bar, star, slash, tilde, caret, dollar, backslash
    case andAnd, orOr, coalesce, questionDot, fatArrow, arrow, pathSeparator, equalEqual, notEqual, lessEqual
    case greaterEqual, define, ellipsis, plusEquals

    /// Keywords by the hash of their bytes. The name of a case is how the keyword is written.
    static let keywords: [UInt64: Symbol] = {
        var table: [UInt64: Symbol] = [:]
        for symbol in allCases where symbol.rawValue < openParenthesis.rawValue && symbol != .other {
            table[ByteHash.of("\(symbol)")] = symbol
        }
        return table
    }()
    static let longestKeyword = 14

    private static let signSpellings: [Unicode.Scalar: Symbol] = [
        "(": .openParenthesis, ")": .closeParenthesis, "[": .openBracket, "]": .closeBracket, "{": .openBrace,
        "}": .closeBrace, ",": .comma, ";": .semicolon, ":": .colon, ".": .dot, "=": .equals, "?": .question,
        "!": .bang, "<": .less, ">": .greater, "@": .at, "#": .hash, "+": .plus, "-": .minus, "%": .percent,
        "&": .ampersand, "|": .bar, "*": .star, "/": .slash, "~": .tilde, "^": .caret, "$": .dollar, "\\": .backslash,
    ]

    /// Signs of one byte by that byte.
    static let signs: [Symbol] = (0..<256).map { signSpellings[Unicode.Scalar(UInt8($0))] ?? .other }

    /// A sign of two bytes, by those bytes.
    @inline(__always)
    static func sign(_ first: UInt8, _ second: UInt8) -> Symbol {
        switch (first, second) {
        case (38, 38): .andAnd
        case (124, 124): .orOr
        case (63, 63): .coalesce
        case (63, 46): .questionDot
        case (61, 62): .fatArrow
        case (45, 62): .arrow
        case (58, 58): .pathSeparator
        case (61, 61): .equalEqual
        case (33, 61): .notEqual
        case (60, 61): .lessEqual
        case (62, 61): .greaterEqual
        case (58, 61): .define
        case (43, 61): .plusEquals
        default: .other
        }
    }
}
