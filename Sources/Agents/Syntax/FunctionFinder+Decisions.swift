extension FunctionFinder {
    /// True where the token adds a path: branches, loops, cases, handlers, short-circuit and conditional operators.
    func isDecision(_ position: Int) -> Bool {
        let token = view.tokens[position]
        switch token.kind {
        case .name: return isDecisiveWord(token.symbol, at: position)
        case .sign: return isDecisiveSign(token.symbol, at: position)
        case .number, .string, .interpolation, .pattern, .comment, .directive: return false
        }
    }

    private func isDecisiveWord(_ symbol: Symbol, at position: Int) -> Bool {
        // `object.for` and `.if` are names.
        if view.symbol(position - 1) == .dot { return false }
        switch symbol {
        case .if, .while: return true
        case .for: return !(language == .rust && view.symbol(position + 1) == .less)
        case .guard: return language == .swift
        case .repeat: return false
        case .loop: return language == .rust
        case .catch: return language != .go && language != .rust
        case .case: return isCaseOfSwitch(position)
        case .elif, .except, .and, .or: return language == .python
        default: return false
        }
    }

    /// Not `if case`, nor the cases of an enumeration, nor `case` as a key.
    private func isCaseOfSwitch(_ position: Int) -> Bool {
        guard language != .rust, language != .python else { return false }
        guard language == .swift else { return view.symbol(position + 1) != .colon }
        switch view.symbol(position - 1) {
        case .if, .guard, .while, .for, .comma: return false
        default: break
        }
        // A case of an enumeration has no colon before the line's end, except inside parentheses.
        var next = position + 1
        let limit = min(view.count, position + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .colon: return true
            case .openBrace, .closeBrace, .semicolon: return false
            case .openParenthesis, .openBracket: next = view.partner(next) ?? next
            default:
                if view.isName(next), view.newlineBefore(next), view.symbol(next - 1) != .comma,
                    [.case, .var, .let, .func, .static, .`init`].contains(view.symbol(next))
                {
                    return false
                }
            }
            next += 1
        }
        return false
    }

    private func isDecisiveSign(_ symbol: Symbol, at position: Int) -> Bool {
        switch symbol {
        case .andAnd, .orOr:
            // In Rust `||` may begin a closure without parameters: then no value stands before it.
            guard language == .rust, symbol == .orOr else { return true }
            return isValueEnd(position - 1)
        case .coalesce:
            switch language {
            case .javascript, .typescript, .csharp: return true
            case .swift: return view.spaceBefore(position)
            default: return false
            }
        case .question: return isConditional(position)
        case .fatArrow:
            guard language == .rust else { return false }
            return view.text(position - 1) != "_"
        default: return false
        }
    }

    /// `a ? b : c`, told from optional types, optional calls and wildcards.
    private func isConditional(_ position: Int) -> Bool {
        switch language {
        case .swift: return view.spaceBefore(position) && view.spaceAfter(position)
        case .go, .rust: return false
        case .java: return ![.less, .comma].contains(view.symbol(position - 1))
        case .javascript, .typescript:
            return ![.colon, .dot, .closeParenthesis, .comma, .equals].contains(view.symbol(position + 1))
        case .csharp: return view.spaceBefore(position)
        default: return true
        }
    }

    private func isValueEnd(_ position: Int) -> Bool {
        switch view.kind(position) {
        case .name: return ![.return, .in, .if, .while, .match, .else].contains(view.symbol(position))
        case .number, .string, .interpolation, .pattern: return true
        case .sign: return [.closeParenthesis, .closeBracket, .closeBrace, .question].contains(view.symbol(position))
        case .comment, .directive, nil: return false
        }
    }
}
