extension CallRule {
    /// How many tokens of an argument list are looked at.
    private static let longestArguments = 400

    func matches(_ view: CodeView, at start: Int) -> Bool {
        guard start >= 0, Self.stands(pieces, in: view, at: start), isUse(view, at: start) else { return false }
        let last = start + pieces.count - 1
        switch condition {
        case .always: return true
        case .contains(let wanted):
            return arguments(view, last).contains { Self.stands(wanted, in: view, at: $0) }
        case .lacks(let words):
            let arguments = arguments(view, last)
            return !arguments.isEmpty && !arguments.contains { words.contains(view.text($0)) }
        case .notLiteral(let argument): return isComputed(view, last, argument: argument)
        case .literal(let texts):
            return arguments(view, last).contains { position in
                guard view.tokens[position].isString else { return false }
                let text = view.text(position).lowercased()
                return texts.contains { text.contains($0) }
            }
        case .built: return isBuilt(view, last)
        case .anyArgument: return !arguments(view, last).isEmpty
        }
    }

    static func stands(_ pieces: [Piece], in view: CodeView, at start: Int) -> Bool {
        guard start >= 0, start + pieces.count <= view.count else { return false }
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .word(let bytes):
                guard view.tokens[start + index].kind == .name, view.bytes(start + index).elementsEqual(bytes) else {
                    return false
                }
            case .anyName: guard view.isName(start + index) else { return false }
            case .sign(let symbol): guard view.symbol(start + index) == symbol else { return false }
            }
        }
        return true
    }

    /// A use of the name, not its declaration, nor a member of something else that happens to have it.
    private func isUse(_ view: CodeView, at start: Int) -> Bool {
        guard view.isName(start) else { return true }
        switch view.symbol(start - 1) {
        case .dot, .questionDot, .func, .def, .function, .fn, .class: return false
        case .arrow: return view.file.language == .python || view.file.language == .swift
        case .pathSeparator: return view.text(start - 2) == "std" || !view.isName(start - 2)
        default: break
        }
        // `char *gets(char *);` and `int system() {` declare: a type stands before the name.
        let isCFamily = [.c, .cpp, .objectiveC].contains(view.file.language)
        if isCFamily, view.symbol(start - 1) == .star, view.isName(start - 2), view.symbol(start - 2) != .return {
            return false
        }
        if isCFamily, view.isName(start - 1), ![.return, .else, .do, .case].contains(view.symbol(start - 1)) {
            return false
        }
        return true
    }

    /// The positions between the brackets that the pattern ends with.
    private func arguments(_ view: CodeView, _ open: Int) -> Range<Int> {
        guard let close = view.partner(open), close > open else { return 0..<0 }
        return (open + 1)..<min(close, open + 1 + Self.longestArguments)
    }

    private func isComputed(_ view: CodeView, _ open: Int, argument: Int) -> Bool {
        let all = arguments(view, open)
        var position = all.lowerBound
        var passed = 0
        while passed < argument, position < all.upperBound {
            if view.symbol(position) == .comma { passed += 1 }
            if let end = view.partner(position), end > position { position = end }
            position += 1
        }
        guard position < all.upperBound, passed == argument else { return false }
        // Translated texts come from `_(…)`.
        if view.text(position) == "_" { return false }
        while position < all.upperBound, view.symbol(position) != .comma {
            if !isConstant(view, position) { return true }
            position += 1
        }
        return false
    }

    /// A literal, or a constant or macro, which are written in capitals.
    private func isConstant(_ view: CodeView, _ position: Int) -> Bool {
        switch view.tokens[position].kind {
        case .string, .number: return true
        case .name:
            let text = view.text(position)
            return text.contains { $0.isLetter } && text == text.uppercased()
        case .interpolation, .pattern, .comment, .sign, .directive: return false
        }
    }

    /// `"…" + x`, `"…" % x`, `"…".format(x)`, or a string with expressions in it, before the first comma.
    private func isBuilt(_ view: CodeView, _ open: Int) -> Bool {
        var position = open + 1
        let end = arguments(view, open).upperBound
        var hasString = false
        var hasJoin = false
        while position < end, view.symbol(position) != .comma {
            switch view.tokens[position].kind {
            case .interpolation: return true
            case .string: hasString = true
            case .sign: if [.plus, .percent].contains(view.symbol(position)) { hasJoin = true }
            case .name: if view.text(position) == "format", view.symbol(position - 1) == .dot { hasJoin = true }
            case .number, .pattern, .comment, .directive: break
            }
            if let close = view.partner(position), close > position { position = close }
            position += 1
        }
        return hasString && hasJoin
    }
}
