/// One function of a source file, measured.
struct FunctionMetrics: Sendable, Hashable {
    var name: String
    /// The first line of the declaration and the last of the body, from 1.
    var firstLine: Int
    var lastLine: Int
    /// Cyclomatic complexity: one, and one for each decision.
    var complexity: Int

    var lines: Int { lastLine - firstLine + 1 }
}

/// Finds and measures functions without parsing: by keywords, brackets and, in Python, indentation.
///
/// The method is that of widespread tools such as lizard: a function is what its language's rule recognises as a head
/// followed by a body. Decisions are the branching keywords and operators of `FunctionFinder+Decisions`. A named
/// function inside another is measured apart and does not count for the outer one; a closure without a name belongs to
/// the function it stands in. Code that a preprocessor would produce is not seen.
struct FunctionFinder {
    let view: CodeView
    let language: Language

    /// A head, and where its body's brace opens.
    struct Head {
        var name: String
        var first: Int
        var body: Int
    }

    /// The languages whose functions can be found.
    static func covers(_ language: Language) -> Bool {
        switch language {
        case .swift, .python, .javascript, .typescript, .go, .rust, .java, .c, .cpp, .objectiveC, .csharp: true
        case .kotlin, .scala, .dart, .ruby, .php, .perl, .lua, .r, .elixir, .haskell, .shell, .sql, .html, .css, .xml,
            .json, .yaml, .toml, .ini, .protobuf, .terraform, .dockerfile, .makefile, .cmake, .markdown, .text:
            false
        }
    }

    static func functions(in file: SourceFile) -> [FunctionMetrics] {
        guard covers(file.language) else { return [] }
        let finder = FunctionFinder(view: CodeView(file), language: file.language)
        return file.language == .python ? finder.pythonFunctions() : finder.bracedFunctions()
    }

    /// Walks the tokens once; open functions are on a stack and each decision counts for the innermost.
    private func bracedFunctions() -> [FunctionMetrics] {
        struct Open {
            var head: Head
            var end: Int
            var complexity = 1
        }
        var found: [FunctionMetrics] = []
        var pending: [Int: Head] = [:]
        var stack: [Open] = []
        for position in 0..<view.count {
            if let head = head(at: position, isInFunction: !stack.isEmpty), pending[head.body] == nil {
                pending[head.body] = head
            }
            if view.symbol(position) == .openBrace, let head = pending.removeValue(forKey: position),
                let end = view.partner(position)
            {
                stack.append(Open(head: head, end: end))
            }
            if !stack.isEmpty, isDecision(position) { stack[stack.count - 1].complexity += 1 }
            while let last = stack.last, last.end == position {
                stack.removeLast()
                found.append(
                    FunctionMetrics(
                        name: last.head.name, firstLine: view.line(last.head.first), lastLine: view.line(last.end),
                        complexity: last.complexity))
            }
        }
        return found.sorted { ($0.firstLine, $0.lastLine) < ($1.firstLine, $1.lastLine) }
    }

    private func head(at position: Int, isInFunction: Bool) -> Head? {
        guard view.isName(position) else { return nil }
        switch language {
        case .swift: return swiftHead(at: position)
        case .go: return goHead(at: position)
        case .rust: return rustHead(at: position)
        case .javascript, .typescript: return scriptHead(at: position)
        case .java, .csharp: return javaHead(at: position)
        // A macro that looks like a function may stand in a body, a function may not.
        case .c, .cpp, .objectiveC: return isInFunction ? nil : cHead(at: position)
        case .python, .kotlin, .scala, .dart, .ruby, .php, .perl, .lua, .r, .elixir, .haskell, .shell, .sql, .html,
            .css, .xml, .json, .yaml, .toml, .ini, .protobuf, .terraform, .dockerfile, .makefile, .cmake, .markdown,
            .text:
            return nil
        }
    }

    /// How many tokens a head may have behind its parameter list.
    static let longestTail = 200
}
