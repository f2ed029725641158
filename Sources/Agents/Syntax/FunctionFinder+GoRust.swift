extension FunctionFinder {
    /// `func name(…)` and `func (receiver) name(…)`. A literal `func(…)` belongs to the function around it.
    func goHead(at position: Int) -> Head? {
        guard view.symbol(position) == .func else { return nil }
        var name = position + 1
        if view.symbol(name) == .openParenthesis {
            guard let end = view.partner(name) else { return nil }
            name = end + 1
        }
        guard view.isName(name) else { return nil }
        var next = name + 1
        if view.symbol(next) == .openBracket { next = (view.partner(next) ?? next) + 1 }
        guard view.symbol(next) == .openParenthesis, let end = view.partner(next) else { return nil }
        next = end + 1
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace:
                // The braces of a result type.
                let isType = [.interface, .struct].contains(view.symbol(next - 1))
                guard isType else { return Head(name: view.text(name), first: position, body: next) }
                next = (view.partner(next) ?? next) + 1
            case .openParenthesis, .openBracket: next = (view.partner(next) ?? next) + 1
            case .closeBrace, .semicolon, .equals: return nil
            case .func where view.newlineBefore(next): return nil
            case .type, .var, .const:
                if view.newlineBefore(next) { return nil }
                next += 1
            default: next += 1
            }
        }
        return nil
    }

    /// `fn name<…>(…) -> … where … {`. What ends with `;` is a requirement of a trait.
    func rustHead(at position: Int) -> Head? {
        guard view.symbol(position) == .fn, view.isName(position + 1) else { return nil }
        var next = position + 2
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace: return Head(name: view.text(position + 1), first: position, body: next)
            case .openParenthesis, .openBracket: next = (view.partner(next) ?? next) + 1
            case .semicolon, .closeBrace: return nil
            default: next += 1
            }
        }
        return nil
    }
}
