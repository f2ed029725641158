extension FunctionFinder {
    /// `function name(…) {`, `name(…) {` in a class or object, `name = (…) => {`, `name = function (…) {`.
    func scriptHead(at position: Int) -> Head? {
        if view.symbol(position) == .function { return scriptFunction(at: position) }
        if view.symbol(position + 1) == .openParenthesis { return scriptMethod(at: position) }
        switch view.symbol(position + 1) {
        case .equals, .colon: return scriptArrow(named: position)
        default: return nil
        }
    }

    private func scriptFunction(at position: Int) -> Head? {
        var next = position + 1
        if view.symbol(next) == .star { next += 1 }
        var name: String?
        if view.isName(next) {
            name = view.text(next)
            next += 1
        } else if [.equals, .colon].contains(view.symbol(position - 1)), view.isName(position - 2) {
            name = view.text(position - 2)
        }
        guard let name, let body = scriptBody(afterGenericsAt: next) else { return nil }
        return Head(name: name, first: position, body: body)
    }

    private func scriptMethod(at position: Int) -> Head? {
        switch view.symbol(position) {
        case .if, .for, .while, .switch, .catch, .with, .return, .typeof, .new, .function, .await, .async: return nil
        default: break
        }
        // A call; `new Name(…) {` does not exist, but a name after a dot is never declared.
        guard ![.dot, .questionDot, .new].contains(view.symbol(position - 1)) else { return nil }
        guard let body = scriptBody(afterGenericsAt: position + 1) else { return nil }
        // `call(x)` and a block on a new line are two statements.
        guard !view.newlineBefore(body) else { return nil }
        return Head(name: view.text(position), first: position, body: body)
    }

    private func scriptArrow(named position: Int) -> Head? {
        var next = position + 2
        if view.symbol(position + 1) == .colon, language == .typescript {
            // `const name: Type = (…) => {`
            let limit = min(view.count, next + 40)
            var probe = next
            while probe < limit, ![.equals, .comma, .semicolon, .openBrace, .closeBrace].contains(view.symbol(probe)) {
                probe = (view.partner(probe).map { $0 > probe ? $0 : probe } ?? probe) + 1
            }
            if view.symbol(probe) == .equals { next = probe + 1 }
        }
        if view.symbol(next) == .async { next += 1 }
        let arrow: Int
        if view.isName(next), view.symbol(next + 1) == .fatArrow {
            arrow = next + 1
        } else if view.symbol(next) == .openParenthesis, let end = view.partner(next) {
            guard let found = scriptArrowSign(after: end) else { return nil }
            arrow = found
        } else {
            return nil
        }
        guard view.symbol(arrow + 1) == .openBrace else { return nil }
        return Head(name: view.text(position), first: position, body: arrow + 1)
    }

    /// The `=>` behind a parameter list, over a result type.
    private func scriptArrowSign(after position: Int) -> Int? {
        if view.symbol(position + 1) == .fatArrow { return position + 1 }
        guard view.symbol(position + 1) == .colon else { return nil }
        var next = position + 2
        let limit = min(view.count, next + 60)
        while next < limit {
            switch view.symbol(next) {
            case .fatArrow: return next
            case .semicolon, .equals, .closeParenthesis, .closeBrace: return nil
            case .openParenthesis, .openBracket, .openBrace: next = (view.partner(next) ?? next) + 1
            default: next += 1
            }
        }
        return nil
    }

    private func scriptBody(afterGenericsAt start: Int) -> Int? {
        var next = start
        if view.symbol(next) == .less {
            let limit = min(view.count, next + 60)
            while next < limit, view.symbol(next) != .openParenthesis { next += 1 }
        }
        guard view.symbol(next) == .openParenthesis, let end = view.partner(next) else { return nil }
        next = end + 1
        if view.symbol(next) == .openBrace { return next }
        guard view.symbol(next) == .colon, language == .typescript else { return nil }
        next += 1
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace:
                // A brace where a type is expected is one.
                let before = view.symbol(next - 1)
                let isType = [.colon, .bar, .ampersand, .less, .comma, .fatArrow].contains(before)
                guard isType else { return next }
                next = (view.partner(next) ?? next) + 1
            case .openParenthesis, .openBracket: next = (view.partner(next) ?? next) + 1
            case .semicolon, .closeBrace, .closeParenthesis, .equals: return nil
            default: next += 1
            }
        }
        return nil
    }
}
