/// A construct that is dangerous where it stands: a sequence of tokens, and what must be true of its arguments.
struct CallRule: Sendable {
    var rule: Rule
    var languages: [Language]
    var pieces: [Piece]
    var condition: Condition
    /// False where tests may well do it.
    var countsInTests: Bool

    enum Piece: Sendable, Hashable {
        case word([UInt8])
        case anyName
        case sign(Symbol)
    }

    enum Condition: Sendable {
        case always
        /// These tokens stand somewhere in the brackets.
        case contains([Piece])
        /// None of these words stands in the brackets.
        case lacks([String])
        /// The argument at this position, from 0, is neither a literal nor a constant in capitals.
        case notLiteral(argument: Int)
        /// A literal in the brackets contains one of these, in any case.
        case literal([String])
        /// The first argument is put together from pieces.
        case built
        /// There is at least one argument.
        case anyArgument
    }

    /// - Parameters:
    ///   - pattern: tokens with spaces between; `*` is any name. A pattern that begins with a name does not match
    ///     behind a dot, nor where that name is declared.
    init(
        _ id: String, _ languages: [Language], _ pattern: String, _ severity: Severity, cwe: Int, _ title: String,
        _ description: String, fix: String, when condition: Condition = .always, certainty: Certainty = .likely,
        inTests: Bool = true
    ) {
        rule = Rule(
            id: "dangerous.\(id)", severity: severity, certainty: certainty, title: title, description: description,
            remediation: fix, cwe: "CWE-\(cwe)")
        self.languages = languages
        pieces = Self.pieces(pattern)
        self.condition = condition
        countsInTests = inTests
    }

    static func pieces(_ pattern: String) -> [Piece] {
        pattern.split(separator: " ").map { piece in
            let bytes = Array(piece.utf8)
            if piece == "*" { return .anyName }
            if Ascii.isNameStart(bytes[0]) || bytes[0] == Ascii.dollar { return .word(bytes) }
            return .sign(bytes.count == 2 ? Symbol.sign(bytes[0], bytes[1]) : Symbol.signs[Int(bytes[0])])
        }
    }

    /// The position in `pieces` of the word by which the rule is looked up.
    var anchor: Int {
        pieces.firstIndex { if case .word = $0 { true } else { false } } ?? 0
    }
}

/// The rules of one language by the hash of their anchors.
struct CallRules: Sendable {
    private var byWord: [UInt64: [CallRule]] = [:]

    init(_ rules: [CallRule], for language: Language) {
        for rule in rules where rule.languages.contains(language) {
            guard case .word(let bytes) = rule.pieces[rule.anchor] else { continue }
            let hash = bytes.withUnsafeBufferPointer(ByteHash.of)
            byWord[hash, default: []].append(rule)
        }
    }

    private static let all =
        CallRule.swift + CallRule.python + CallRule.script + CallRule.go + CallRule.rust
        + CallRule.java + CallRule.cFamily + CallRule.others

    private static let byLanguage: [Language: CallRules] = Dictionary(
        uniqueKeysWithValues: Language.allCases.map { ($0, CallRules(all, for: $0)) })

    /// Every match in a file: the rule and the byte where it begins.
    static func matches(in view: CodeView) -> [(rule: Rule, offset: Int)] {
        guard let rules = byLanguage[view.file.language], !rules.byWord.isEmpty else { return [] }
        var found: [(rule: Rule, offset: Int)] = []
        let isTest = view.file.isTest
        view.file.bytes.withUnsafeBufferPointer { bytes in
            for position in 0..<view.count where view.tokens[position].kind == .name {
                let token = view.tokens[position]
                let hash = ByteHash.of(UnsafeBufferPointer(rebasing: bytes[token.start..<token.end]))
                guard let candidates = rules.byWord[hash] else { continue }
                let match = candidates.first {
                    ($0.countsInTests || !isTest) && $0.matches(view, at: position - $0.anchor)
                }
                if let match { found.append((match.rule, view.tokens[position - match.anchor].start)) }
            }
        }
        return found
    }
}
