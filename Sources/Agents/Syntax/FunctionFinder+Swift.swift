extension FunctionFinder {
    func swiftHead(at position: Int) -> Head? {
        // After a dot these words are members: `self.init(…)`, `.deinit`.
        guard view.symbol(position - 1) != .dot else { return nil }
        switch view.symbol(position) {
        case .func: return swiftFunction(at: position)
        case .`init`, .`subscript`:
            guard let list = swiftParameters(after: position) else { return nil }
            return swiftBody(after: list).map { Head(name: view.text(position), first: position, body: $0) }
        case .`deinit`:
            guard view.symbol(position + 1) == .openBrace else { return nil }
            return Head(name: "deinit", first: position, body: position + 1)
        case .var: return swiftComputedProperty(at: position)
        default: return nil
        }
    }

    private func swiftFunction(at position: Int) -> Head? {
        var next = position + 1
        var name = ""
        // An operator's name may be several signs; the `<` of generics does not follow the keyword directly.
        while next < view.count, view.symbol(next) != .openParenthesis, next < position + 6 {
            if view.symbol(next) == .less, !name.isEmpty { break }
            name += view.text(next)
            next += 1
        }
        guard !name.isEmpty, let list = swiftParameters(after: next - 1) else { return nil }
        return swiftBody(after: list).map { Head(name: name, first: position, body: $0) }
    }

    /// The end of a parameter list, behind optional `?`, `!` and generics.
    private func swiftParameters(after position: Int) -> Int? {
        var next = position + 1
        if [.question, .bang].contains(view.symbol(next)) { next += 1 }
        if view.symbol(next) == .less {
            var depth = 0
            let limit = min(view.count, next + Self.longestTail)
            while next < limit {
                if view.symbol(next) == .less { depth += 1 }
                if view.symbol(next) == .greater { depth -= 1 }
                next += 1
                if depth == 0 { break }
            }
        }
        guard view.symbol(next) == .openParenthesis else { return nil }
        return view.partner(next)
    }

    /// The brace of a body, over effects, result type and `where`; nil for a requirement of a protocol.
    private func swiftBody(after position: Int) -> Int? {
        var next = position + 1
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace: return next
            case .closeBrace, .semicolon, .equals: return nil
            case .openParenthesis, .openBracket:
                guard let end = view.partner(next) else { return nil }
                next = end + 1
            case .func, .var, .let, .`init`, .`deinit`, .`subscript`, .`associatedtype`, .`typealias`, .static, .case,
                .public, .private, .internal, .`mutating`, .at, .class, .struct, .enum, .protocol, .extension, .import:
                if view.newlineBefore(next) { return nil }
                next += 1
            default: next += 1
            }
        }
        return nil
    }

    private func swiftComputedProperty(at position: Int) -> Head? {
        guard view.isName(position + 1), view.symbol(position + 2) == .colon else { return nil }
        var next = position + 3
        let limit = min(view.count, next + Self.longestTail)
        while next < limit {
            switch view.symbol(next) {
            case .openBrace:
                guard let end = view.partner(next), !isRequirement(from: next, to: end) else { return nil }
                return Head(name: view.text(position + 1), first: position, body: next)
            case .openParenthesis, .openBracket:
                guard let end = view.partner(next) else { return nil }
                next = end + 1
            case .equals, .closeBrace, .closeParenthesis, .semicolon, .comma: return nil
            default:
                let isContinued = [.colon, .ampersand, .arrow, .dot, .less].contains(view.symbol(next - 1))
                if next > position + 3, !isContinued, view.newlineBefore(next) { return nil }
                next += 1
            }
        }
        return nil
    }

    /// `{ get set }`
    private func isRequirement(from open: Int, to close: Int) -> Bool {
        close - open <= 5
            && ((open + 1)..<close).allSatisfy {
                [.get, .set, .async, .throws, .mutating].contains(view.symbol($0))
            }
    }
}
