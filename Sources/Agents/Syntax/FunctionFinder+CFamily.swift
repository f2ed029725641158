extension FunctionFinder {
    /// `name(…) throws … {` with a type or modifier before it: methods and constructors of Java and C#.
    func javaHead(at position: Int) -> Head? {
        guard view.symbol(position + 1) == .openParenthesis, !isControlWord(view.symbol(position)) else { return nil }
        guard let end = view.partner(position + 1), isJavaDeclaration(position) else { return nil }
        var next = end + 1
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace: return Head(name: view.text(position), first: position, body: next)
            case .throws, .comma, .dot, .less, .greater, .at, .openBracket, .closeBracket, .where, .colon: next += 1
            case .openParenthesis:
                // The argument list of `: base(…)` in C#.
                next = (view.partner(next) ?? next) + 1
            default:
                guard view.isName(next) else { return nil }
                next += 1
            }
        }
        return nil
    }

    /// Not a call, an object being made, or a record's head.
    private func isJavaDeclaration(_ position: Int) -> Bool {
        switch view.symbol(position - 1) {
        case .new, .dot, .record, .return, .throw, .equals, .openParenthesis, .comma, .arrow, .at, .bang, .plus,
            .andAnd, .orOr, .question, .colon, .else, .case, .questionDot, .pathSeparator, .coalesce, .fatArrow:
            return false
        default: break
        }
        // `new a.b.Name(…) { … }` has its `new` further back.
        var before = position - 1
        while before > 0, position - before < 20, view.symbol(before) == .dot || view.isName(before) {
            if view.symbol(before) == .new { return false }
            if view.symbol(before) != .dot, view.symbol(before - 1) != .dot { break }
            before -= 1
        }
        return view.symbol(before - 1) != .new
    }

    /// `name(…) const noexcept -> … : member(…) {` outside of any function.
    func cHead(at position: Int) -> Head? {
        guard !isControlWord(view.symbol(position)) else { return nil }
        var list = position + 1
        var name = view.text(position)
        if view.symbol(position) == .operator {
            while list < view.count, list < position + 4, view.symbol(list) != .openParenthesis {
                name += view.text(list)
                list += 1
            }
            if view.symbol(list + 1) == .closeParenthesis, view.symbol(list + 2) == .openParenthesis {
                name += "()"
                list += 2
            }
        }
        guard view.symbol(list) == .openParenthesis, let end = view.partner(list) else { return nil }
        guard ![.equals, .dot, .arrow, .comma, .openParenthesis, .return].contains(view.symbol(position - 1)) else {
            return nil
        }
        guard let body = cBody(after: end) else { return nil }
        if view.symbol(position - 1) == .tilde { name = "~" + name }
        var first = position
        while view.symbol(first - 1) == .pathSeparator || view.symbol(first - 1) == .tilde, first > 1 {
            let step = view.symbol(first - 1) == .tilde ? 1 : 2
            if step == 2 { name = "\(view.text(first - 2))::\(name)" }
            first -= step
        }
        return Head(name: name, first: first, body: body)
    }

    private func cBody(after position: Int) -> Int? {
        var next = position + 1
        var isInitialising = false
        var hasResult = false
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace:
                // `: member{…}, other{…} {`: a brace after a name in that list is a value.
                let isValue = isInitialising && (view.isName(next - 1) || view.symbol(next - 1) == .greater)
                guard isValue else { return next }
                next = (view.partner(next) ?? next) + 1
            case .colon:
                isInitialising = true
                next += 1
            case .comma:
                guard isInitialising else { return nil }
                next += 1
            case .openParenthesis, .openBracket: next = (view.partner(next) ?? next) + 1
            case .semicolon, .closeBrace, .closeParenthesis, .equals: return nil
            case .arrow:
                hasResult = true
                next += 1
            case .pathSeparator, .less, .greater, .star, .ampersand, .andAnd, .dot, .ellipsis: next += 1
            default:
                guard view.isName(next), isInitialising || hasResult || isQualifier(next) else { return nil }
                next += 1
            }
        }
        return nil
    }

    /// `const`, `noexcept`, attributes, and macros in capitals. Another name means that what was read so far was an
    /// attribute before the declaration.
    private func isQualifier(_ position: Int) -> Bool {
        let text = view.text(position)
        return ["const", "volatile", "noexcept", "override", "final", "try", "throw", "requires", "mutable"].contains(
            text)
            || text.hasPrefix("__") || text == text.uppercased()
    }

    private func isControlWord(_ symbol: Symbol) -> Bool {
        switch symbol {
        case .if, .for, .while, .switch, .catch, .synchronized, .return, .try, .do, .else, .sizeof, .new, .throw, .with,
            .alignof, .alignas, .decltype, .static_assert, .noexcept, .case, .delete, .await, .use:
            true
        default: false
        }
    }
}
