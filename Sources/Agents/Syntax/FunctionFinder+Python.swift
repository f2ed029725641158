extension FunctionFinder {
    /// Python's functions end where a line begins no deeper than their `def`.
    func pythonFunctions() -> [FunctionMetrics] {
        struct Open {
            var name: String
            var column: Int
            var firstLine: Int
            var complexity = 1
        }
        var found: [FunctionMetrics] = []
        var stack: [Open] = []
        var depth = 0
        var lastByte = 0
        func close(_ open: Open) {
            found.append(
                FunctionMetrics(
                    name: open.name, firstLine: open.firstLine, lastLine: view.file.line(at: lastByte),
                    complexity: open.complexity))
        }
        for position in 0..<view.count {
            let symbol = view.symbol(position)
            // Inside brackets a new line means nothing.
            if depth == 0, view.newlineBefore(position) || position == 0 {
                let column = column(of: position)
                while let last = stack.last, column <= last.column, !isContinued(position) { close(stack.removeLast()) }
            }
            switch symbol {
            case .openParenthesis, .openBracket, .openBrace: depth += 1
            case .closeParenthesis, .closeBracket, .closeBrace: depth = max(0, depth - 1)
            case .def where depth == 0 && view.isName(position + 1):
                stack.append(
                    Open(name: view.text(position + 1), column: column(of: position), firstLine: view.line(position)))
            default: break
            }
            if !stack.isEmpty, isDecision(position) { stack[stack.count - 1].complexity += 1 }
            lastByte = max(view.tokens[position].start, view.tokens[position].end - 1)
        }
        while let last = stack.popLast() { close(last) }
        return found.sorted { ($0.firstLine, $0.lastLine) < ($1.firstLine, $1.lastLine) }
    }

    /// The indentation of the line a token stands on; a tab counts as eight.
    private func column(of position: Int) -> Int {
        let line = view.line(position)
        var column = 0
        for byte in view.file.lineBytes(line) {
            if byte == Ascii.space { column += 1 } else if byte == 9 { column += 8 } else { break }
        }
        return column
    }

    /// The line before ends with a backslash.
    private func isContinued(_ position: Int) -> Bool {
        let line = view.line(position)
        return line > 1 && view.file.lineBytes(line - 1).last == Ascii.backslash
    }
}
