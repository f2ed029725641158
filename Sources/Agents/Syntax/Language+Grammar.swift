extension Language {
    /// How to split this language's text into tokens.
    var grammar: Grammar { Self.grammars[self] ?? .prose }

    private static let grammars: [Language: Grammar] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, $0.makeGrammar()) })

    private static let swiftGrammar: Grammar = {
        var grammar = Grammar.slashes(
            strings: [
                StringForm(delimiter: [34, 34, 34], spansLines: true, interpolation: .backslashParenthesis),
                StringForm(delimiter: [34], interpolation: .backslashParenthesis),
            ], nested: true, directives: .conditionalOnly, prefixes: .swift)
        grammar.hasPatterns = true
        return grammar
    }()

    private static let scriptGrammar: Grammar = {
        let template = StringForm(delimiter: [Ascii.backtick], spansLines: true, interpolation: .dollarBrace)
        var grammar = Grammar.slashes(strings: [.double, .single, template])
        grammar.hasPatterns = true
        grammar.nameBytes = [Ascii.dollar]
        return grammar
    }()

    private func makeGrammar() -> Grammar {
        switch self {
        case .swift: return Self.swiftGrammar
        case .python:
            var grammar = Grammar.hashes(strings: [.tripleDouble, .tripleSingle, .double, .single])
            grammar.prefixes = .python
            return grammar
        case .javascript, .typescript: return Self.scriptGrammar
        case .go: return .slashes(strings: [.double, .single, .backtickRaw])
        case .rust:
            var grammar = Grammar.slashes(
                strings: [StringForm(delimiter: [34], spansLines: true), .single], nested: true, prefixes: .rust)
            grammar.hasLifetimes = true
            return grammar
        case .java: return .slashes(strings: [.tripleDouble, .double, .single])
        case .c, .objectiveC: return .slashes(directives: .all, prefixes: .cpp)
        case .cpp: return .slashes(directives: .all, prefixes: .cpp)
        case .csharp: return .slashes(strings: [.tripleDouble, .double, .single], directives: .all, prefixes: .csharp)
        case .kotlin:
            return .slashes(
                strings: [
                    StringForm(delimiter: [34, 34, 34], escapes: false, spansLines: true, interpolation: .dollar),
                    StringForm(delimiter: [34], interpolation: .dollar), .single,
                ], nested: true)
        case .scala, .dart:
            return .slashes(strings: [.tripleDouble, .tripleSingle, .double, .single], nested: true)
        case .ruby:
            return .hashes(strings: [
                StringForm(delimiter: [34], spansLines: true, interpolation: .hashBrace), .single,
                StringForm(delimiter: [Ascii.backtick], interpolation: .hashBrace),
            ])
        case .php:
            var grammar = Grammar.slashes(strings: [
                StringForm(delimiter: [34], spansLines: true, interpolation: .dollar),
                StringForm(delimiter: [39], spansLines: true),
                StringForm(delimiter: [Ascii.backtick], interpolation: .dollar),
            ])
            grammar.lineComments.append([Ascii.hash])
            return grammar
        case .perl, .r, .elixir, .cmake: return .hashes(needsSpace: true)
        case .shell:
            return .hashes(
                strings: [
                    StringForm(delimiter: [34], interpolation: .dollar), .singlePlain,
                    StringForm(delimiter: [Ascii.backtick], interpolation: .dollar),
                ], needsSpace: true)
        case .lua: return .marks("--", block: ("--[[", "]]"), strings: [.double, .single])
        case .haskell: return .marks("--", block: ("{-", "-}"), strings: [.double])
        case .sql: return .marks("--", block: ("/*", "*/"), strings: [.singlePlain])
        case .html, .xml: return Grammar(blockComment: (Array("<!--".utf8), Array("-->".utf8)))
        case .css: return Grammar(blockComment: (Array("/*".utf8), Array("*/".utf8)), strings: [.double, .single])
        case .json: return Grammar(strings: [.double])
        case .yaml, .dockerfile, .makefile: return .hashes(strings: [.double, .singlePlain], needsSpace: true)
        case .toml: return .hashes(strings: [.tripleDouble, .tripleSingle, .double, .singlePlain])
        case .ini: return .marks("#", ";")
        case .protobuf: return .slashes()
        case .terraform:
            var grammar = Grammar.slashes(strings: [StringForm(delimiter: [34], interpolation: .dollarBrace)])
            grammar.lineComments.append([Ascii.hash])
            return grammar
        case .markdown, .text: return .prose
        }
    }
}
