extension Lexer {
    /// How deep strings in expressions in strings are followed; deeper ones are passed as plain text.
    private static let deepestInterpolation = 8
    /// The longest literal regular expression, in bytes, and the longest row of `#` before a raw string: without them a
    /// line of nothing but openings would be read again from each of its bytes.
    private static let longestPattern = 256
    private static let mostHashes = 16

    mutating func lexString(_ byte: UInt8) -> Bool {
        if grammar.hasLifetimes, byte == Ascii.apostrophe, isLifetime {
            let start = position
            position += 2
            while position < bytes.count, Ascii.isName(bytes[position]) { position += 1 }
            add(.sign, from: start)
            return true
        }
        if grammar.prefixes == .swift, byte == Ascii.hash, lexRawSwift() { return true }
        if grammar.prefixes == .csharp, byte == 64 || byte == Ascii.dollar, lexCSharp() { return true }
        guard let form = grammar.strings.first(where: { isAt($0.delimiter) }) else { return false }
        let start = position
        let hasExpressions = skip(form, depth: 0)
        add(hasExpressions ? .interpolation : .string, from: start)
        return true
    }

    /// A string with letters directly before it, such as `rb"…"`; the letters belong to the token.
    mutating func lexPrefixedString() -> Bool {
        let start = position
        switch grammar.prefixes {
        case .none, .swift, .csharp: return false
        case .python:
            var length = 0
            var isFormatted = false
            var isRaw = false
            while length < 2 {
                switch Ascii.lowercased(peek(length)) {
                case 102: isFormatted = true
                case 114: isRaw = true
                case 98, 117: break
                default:
                    guard length > 0 else { return false }
                    return lexPython(from: start, prefix: length, isFormatted: isFormatted, isRaw: isRaw)
                }
                length += 1
            }
            return lexPython(from: start, prefix: length, isFormatted: isFormatted, isRaw: isRaw)
        case .rust: return lexPrefixedRust(from: start)
        case .cpp: return lexPrefixedCpp(from: start)
        }
    }

    private mutating func lexPython(from start: Int, prefix: Int, isFormatted: Bool, isRaw: Bool) -> Bool {
        let quote = peek(prefix)
        guard quote == Ascii.quote || quote == Ascii.apostrophe else { return false }
        position += prefix
        guard let form = grammar.strings.first(where: { isAt($0.delimiter) }) else {
            position = start
            return false
        }
        // Also in a raw string a backslash keeps the quote behind it from ending the string.
        _ = skip(form, depth: 0)
        let hasExpressions = isFormatted && bytes[start..<position].contains(Ascii.openBrace)
        add(hasExpressions ? .interpolation : .string, from: start)
        return true
    }

    private mutating func lexPrefixedRust(from start: Int) -> Bool {
        var length = 0
        if peek() == 98 || peek() == 99 { length += 1 }
        let isRaw = peek(length) == 114
        if isRaw { length += 1 }
        guard length > 0 else { return false }
        var hashes = 0
        while isRaw, hashes < Self.mostHashes, peek(length + hashes) == Ascii.hash { hashes += 1 }
        let quote = peek(length + hashes)
        guard quote == Ascii.quote || (!isRaw && peek() == 98 && quote == Ascii.apostrophe) else { return false }
        position += length + hashes
        if isRaw {
            position += 1
            skipPast([Ascii.quote] + [UInt8](repeating: Ascii.hash, count: hashes))
        } else if let form = grammar.strings.first(where: { isAt($0.delimiter) }) {
            _ = skip(form, depth: 0)
        }
        add(.string, from: start)
        return true
    }

    private mutating func lexPrefixedCpp(from start: Int) -> Bool {
        var length = 0
        if peek() == 117, peek(1) == 56 { length = 2 } else if [76, 85, 117].contains(peek()) { length = 1 }
        let isRaw = peek(length) == 82
        if isRaw { length += 1 }
        guard length > 0 else { return false }
        let quote = peek(length)
        guard quote == Ascii.quote || (!isRaw && quote == Ascii.apostrophe) else { return false }
        position += length
        if isRaw {
            position += 1
            var mark: [UInt8] = []
            while position < bytes.count, bytes[position] != Ascii.openParenthesis, mark.count < 17 {
                mark.append(bytes[position])
                position += 1
            }
            skipPast([Ascii.closeParenthesis] + mark + [Ascii.quote])
        } else if let form = grammar.strings.first(where: { isAt($0.delimiter) }) {
            _ = skip(form, depth: 0)
        }
        add(.string, from: start)
        return true
    }

    private mutating func lexRawSwift() -> Bool {
        let start = position
        var hashes = 0
        while hashes < Self.mostHashes, peek(hashes) == Ascii.hash { hashes += 1 }
        let marks = [UInt8](repeating: Ascii.hash, count: hashes)
        if peek(hashes) == Ascii.slash {
            position += hashes + 1
            skipPast([Ascii.slash] + marks)
            add(.pattern, from: start)
            return true
        }
        guard peek(hashes) == Ascii.quote else { return false }
        let isLong = peek(hashes + 1) == Ascii.quote && peek(hashes + 2) == Ascii.quote
        let quotes = [UInt8](repeating: Ascii.quote, count: isLong ? 3 : 1)
        position += hashes + quotes.count
        skipPast(quotes + marks)
        add(.string, from: start)
        return true
    }

    private mutating func lexCSharp() -> Bool {
        let start = position
        var length = 0
        var isVerbatim = false
        var isInterpolated = false
        while length < 2 {
            if peek(length) == 64 {
                isVerbatim = true
            } else if peek(length) == Ascii.dollar {
                isInterpolated = true
            } else {
                break
            }
            length += 1
        }
        guard peek(length) == Ascii.quote else { return false }
        position += length
        let form = StringForm(delimiter: [Ascii.quote], escapes: !isVerbatim, spansLines: isVerbatim)
        _ = skip(form, depth: 0)
        let hasExpressions = isInterpolated && bytes[start..<position].contains(Ascii.openBrace)
        add(hasExpressions ? .interpolation : .string, from: start)
        return true
    }

    /// `'a` without a closing quote two or so bytes on.
    private var isLifetime: Bool {
        guard Ascii.isNameStart(peek(1)) else { return false }
        // A character beyond ASCII takes up to four bytes.
        if peek(1) >= 128 { return !(2...5).contains { peek($0) == Ascii.apostrophe } }
        return peek(2) != Ascii.apostrophe
    }

    private mutating func skipPast(_ mark: [UInt8]) {
        while position < bytes.count, !isAt(mark) { position += 1 }
        position = min(bytes.count, position + mark.count)
    }

    /// Moves past a string whose delimiter stands here; true where it contains an expression.
    private mutating func skip(_ form: StringForm, depth: Int) -> Bool {
        position += form.delimiter.count
        var hasExpressions = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == form.delimiter[0], isAt(form.delimiter) {
                position += form.delimiter.count
                return hasExpressions
            }
            if byte == Ascii.newline, !form.spansLines { return hasExpressions }
            if depth < Self.deepestInterpolation, let close = expressionClose(form.interpolation) {
                hasExpressions = true
                skipExpression(close: close, spansLines: form.spansLines, depth: depth)
            } else if byte == Ascii.dollar, form.interpolation == .dollar, Ascii.isNameStart(peek(1)) {
                hasExpressions = true
                position += 1
            } else if byte == Ascii.backslash, form.escapes, position + 1 < bytes.count {
                position += 2
            } else {
                position += 1
            }
        }
        return hasExpressions
    }

    /// The byte that ends the expression which begins here, if one does.
    private func expressionClose(_ interpolation: StringForm.Interpolation) -> UInt8? {
        switch interpolation {
        case .none: nil
        case .backslashParenthesis:
            peek() == Ascii.backslash && peek(1) == Ascii.openParenthesis ? Ascii.closeParenthesis : nil
        case .dollarBrace, .dollar: peek() == Ascii.dollar && peek(1) == Ascii.openBrace ? Ascii.closeBrace : nil
        case .hashBrace: peek() == Ascii.hash && peek(1) == Ascii.openBrace ? Ascii.closeBrace : nil
        }
    }

    private mutating func skipExpression(close: UInt8, spansLines: Bool, depth: Int) {
        let open = peek(1)
        position += 2
        var nesting = 1
        while position < bytes.count {
            let byte = bytes[position]
            if byte == Ascii.newline, !spansLines { return }
            if byte == open {
                nesting += 1
                position += 1
            } else if byte == close {
                nesting -= 1
                position += 1
                if nesting == 0 { return }
            } else if let form = grammar.strings.first(where: { isAt($0.delimiter) }) {
                _ = skip(form, depth: depth + 1)
            } else {
                position += 1
            }
        }
    }

    /// A regular expression between slashes: only where a value may stand, and only if it ends on its line.
    mutating func lexPattern(_ byte: UInt8) -> Bool {
        guard byte == Ascii.slash, grammar.hasPatterns, valueMayFollow, !Ascii.isSpace(peek(1)) else { return false }
        var end = position + 1
        var isInClass = false
        let limit = min(bytes.count, position + Self.longestPattern)
        while end < limit, bytes[end] != Ascii.newline {
            switch bytes[end] {
            case Ascii.backslash: end += 1
            case Ascii.openBracket: isInClass = true
            case Ascii.closeBracket: isInClass = false
            case Ascii.slash where !isInClass:
                let start = position
                position = end + 1
                while position < bytes.count, Ascii.isLetter(bytes[position]) { position += 1 }
                add(.pattern, from: start)
                return true
            default: break
            }
            end += 1
        }
        return false
    }

    private var valueMayFollow: Bool {
        guard let last = tokens.last(where: { $0.kind != .comment }) else { return true }
        switch last.kind {
        case .number, .string, .interpolation, .pattern: return false
        case .comment, .directive: return true
        case .name:
            return [.return, .typeof, .case, .in, .of, .delete, .void, .throw, .new, .else, .do, .yield, .instanceof]
                .contains(last.symbol)
        case .sign:
            return ![.closeParenthesis, .closeBracket, .closeBrace].contains(last.symbol)
        }
    }
}
