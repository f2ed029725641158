/// SQL that is put together from text and values, in any language: a literal that reads as a statement, with
/// expressions inside it or joined to its end.
enum QueryRule {
    static let rule = Rule(
        id: "dangerous.sql-building", severity: .high, certainty: .likely, title: "SQL put together from text",
        description: "A value that reads as SQL becomes part of the statement.",
        remediation: "Use placeholders and pass the values apart.", cwe: "CWE-89")

    /// In Swift several database libraries turn interpolations into parameters.
    static let swiftRule: Rule = {
        var rule = Self.rule
        rule.severity = .medium
        rule.certainty = .possible
        rule.description += " Some libraries bind interpolated values as parameters; then it is safe."
        return rule
    }()

    static func matches(in view: CodeView) -> [(rule: Rule, offset: Int)] {
        guard view.file.language != .sql else { return [] }
        let rule = view.file.language == .swift ? swiftRule : Self.rule
        var found: [(rule: Rule, offset: Int)] = []
        for position in 0..<view.count where view.tokens[position].isString {
            guard readsAsStatement(view.bytes(position)), isBuilt(view, position) else { continue }
            found.append((rule, view.tokens[position].start))
        }
        return found
    }

    /// A verb of SQL at the beginning, and the word that must follow it.
    private static let statements: [(verb: [UInt8], word: [UInt8])] = [
        (Array("select ".utf8), Array(" from ".utf8)), (Array("insert into ".utf8), Array("values".utf8)),
        (Array("update ".utf8), Array(" set ".utf8)), (Array("delete from ".utf8), Array(" ".utf8)),
        (Array("drop table ".utf8), Array(" ".utf8)),
    ]

    private static func readsAsStatement(_ literal: ArraySlice<UInt8>) -> Bool {
        let text = literal.prefix(600).map(Ascii.lowercased)
        // Behind a prefix such as `f` and the quotes.
        guard let quote = text.firstIndex(where: { [34, 39, 96].contains($0) }), quote <= 3,
            let start = text[quote...].firstIndex(where: { Ascii.isLetter($0) })
        else { return false }
        // `Select a colour from …` begins a sentence; SQL is written in one case.
        let first = literal[literal.startIndex + start]
        let second = start + 1 < text.count ? literal[literal.startIndex + start + 1] : 0
        if first != Ascii.lowercased(first), second == Ascii.lowercased(second) { return false }
        return statements.contains { statement in
            let body = text[start...]
            guard body.starts(with: statement.verb) else { return false }
            return ByteSearch.first(statement.word, in: body.dropFirst(statement.verb.count - 1)) != nil
        }
    }

    private static func isBuilt(_ view: CodeView, _ position: Int) -> Bool {
        if view.tokens[position].kind == .interpolation { return true }
        let next = position + 1
        switch view.symbol(next) {
        case .plus: return !isConstant(view, next + 1)
        case .percent: return view.file.language == .python || view.file.language == .ruby
        case .dot:
            if view.file.language == .php { return !isConstant(view, next + 1) }
            return ["format", "formatted", "concat"].contains(view.text(next + 1))
        default: break
        }
        // `Sprintf("… %s", value)`, `format!("… {}", value)`
        let call = view.text(position - 2)
        let formats =
            ["Sprintf", "sprintf", "snprintf", "format", "String.format"].contains(call)
            || (view.symbol(position - 2) == .bang && view.text(position - 3) == "format")
        guard formats, view.symbol(next) == .comma else { return false }
        return view.bytes(position).contains { $0 == 37 || $0 == Ascii.openBrace }
    }

    private static func isConstant(_ view: CodeView, _ position: Int) -> Bool {
        if view.kind(position) == .string { return true }
        let text = view.text(position)
        return text.contains { $0.isLetter } && text == text.uppercased()
    }
}
