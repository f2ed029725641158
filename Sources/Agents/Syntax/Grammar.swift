/// What the lexer must know of a language: where comments and strings begin and end. Not what a program means.
struct Grammar: Sendable {
    /// False for prose, whose lines are only told from blank ones.
    var isLexed = true
    /// What begins a comment that ends with the line.
    var lineComments: [[UInt8]] = []
    /// A `#` begins a comment only at the beginning of a word, as in shells.
    var hashNeedsSpace = false
    var blockComment: (open: [UInt8], close: [UInt8])?
    var blockCommentsNest = false
    var strings: [StringForm] = []
    /// `#` at the beginning of a line is for the preprocessor (all of them, or only conditional compilation).
    var directives = Directives.none
    /// `/…/` may be a regular expression.
    var hasPatterns = false
    /// `'` may begin a lifetime instead of a character.
    var hasLifetimes = false
    /// Bytes besides letters, digits and `_` that a name may have.
    var nameBytes: [UInt8] = []
    /// Letters that may stand directly before a string and belong to it.
    var prefixes: Prefixes = .none

    enum Directives: Sendable { case none, all, conditionalOnly }

    enum Prefixes: Sendable {
        case none
        /// `r`, `b`, `f` and their pairs.
        case python
        /// `r"…"`, `r#"…"#`, `b"…"`, `b'…'`.
        case rust
        /// `R"x(…)x"` and the encodings `L`, `u8`, `u`, `U`.
        case cpp
        /// `#"…"#`, which is no letter but works alike.
        case swift
        /// `@"…"`, `$"…"`.
        case csharp
    }
}

/// One way of writing a string.
struct StringForm: Sendable {
    var delimiter: [UInt8]
    var escapes = true
    /// A string that does not, ends with its line at the latest, so that a stray quote spoils one line only.
    var spansLines = false
    /// What begins an expression inside.
    var interpolation: Interpolation = .none

    enum Interpolation: Sendable {
        case none
        /// `\(…)`
        case backslashParenthesis
        /// `${…}`
        case dollarBrace
        /// `${…}` and `$name`
        case dollar
        /// `#{…}`
        case hashBrace
    }
}

extension StringForm {
    static let double = StringForm(delimiter: [Ascii.quote])
    static let single = StringForm(delimiter: [Ascii.apostrophe])
    static let singlePlain = StringForm(delimiter: [Ascii.apostrophe], escapes: false)
    static let backtickRaw = StringForm(delimiter: [Ascii.backtick], escapes: false, spansLines: true)
    static let tripleDouble = StringForm(delimiter: [34, 34, 34], spansLines: true)
    static let tripleSingle = StringForm(delimiter: [39, 39, 39], spansLines: true)
}

extension Grammar {
    /// The slash comments that most languages share.
    static func slashes(
        strings: [StringForm] = [.double, .single], nested: Bool = false, directives: Directives = .none,
        prefixes: Prefixes = .none
    ) -> Grammar {
        Grammar(
            lineComments: [Array("//".utf8)], blockComment: (Array("/*".utf8), Array("*/".utf8)),
            blockCommentsNest: nested, strings: strings, directives: directives, prefixes: prefixes)
    }

    /// Comments that begin with a number sign.
    static func hashes(strings: [StringForm] = [.double, .single], needsSpace: Bool = false) -> Grammar {
        Grammar(lineComments: [[Ascii.hash]], hashNeedsSpace: needsSpace, strings: strings)
    }

    /// Comments that begin with another mark.
    static func marks(_ marks: String..., block: (String, String)? = nil, strings: [StringForm] = []) -> Grammar {
        Grammar(
            lineComments: marks.map { Array($0.utf8) },
            blockComment: block.map { (Array($0.0.utf8), Array($0.1.utf8)) }, strings: strings)
    }

    static let prose = Grammar(isLexed: false)
}
