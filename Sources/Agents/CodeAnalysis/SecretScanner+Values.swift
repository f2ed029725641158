import Glibc

extension SecretScanner {
    /// Endings of names whose values are secret, without `_` and `-`, in lower case.
    private static let tellingNames = [
        "password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "privatekey",
        "authkey", "encryptionkey", "signingkey", "masterkey",
    ].map { Array($0.utf8) }

    /// What made-up values have in them, in lower case.
    private static let placeholders = [
        "example", "sample", "dummy", "changeme", "change_me", "change-me", "placeholder", "your_", "your-", "yourpass",
        "xxxx", "redacted", "****", "....", "fixme", "replace", "insert", "password", "passwd", "secret", "12345678",
        "abcdefgh", "00000000", "null", "none", "undefined", "test",
    ].map { Array($0.utf8) }

    private static let longestName = 64
    private static let valueLength = 8...256

    /// A value with the looks of a secret, behind a name that says it is one: `api_key = "…"`, `"password": "…"`.
    func assignedSecret(name: Range<Int>) -> Secret? {
        guard let kind = tellingKind(name), let value = value(after: name.upperBound) else { return nil }
        guard Self.valueLength.contains(value.count), looksSecret(value, isPassword: kind) else { return nil }
        return Secret(rule: SecretPattern.assigned, range: value, publicPrefix: 0)
    }

    /// Nil for an ordinary name; else whether it names something that people think up.
    private func tellingKind(_ name: Range<Int>) -> Bool? {
        guard name.count >= 3, name.count <= Self.longestName else { return nil }
        switch Ascii.lowercased(bytes[name.upperBound - 1]) {
        // The last letters of the telling names: most words end here.
        case 100, 101, 110, 116, 121: break
        default: return nil
        }
        let plain = name.compactMap { position -> UInt8? in
            let byte = bytes[position]
            return byte == 95 || byte == 45 ? nil : Ascii.lowercased(byte)
        }
        guard
            let ending = Self.tellingNames.first(where: { plain.count >= $0.count && plain.suffix($0.count) == $0[...] }
            )
        else { return nil }
        return ending.starts(with: [112]) && ending != Array("privatekey".utf8)
    }

    /// The value behind `=`, `:`, `:=` or `=>`, over the closing quote of the name and a type annotation.
    private func value(after name: Int) -> Range<Int>? {
        var next = name
        if isQuote(next) { next += 1 }
        next = skipSpaces(next)
        var signs = 0
        while signs < 2, byte(next) == 61 || byte(next) == 58 || (signs == 1 && byte(next) == 62) {
            signs += 1
            next += 1
        }
        // `==` compares, `::` names.
        guard signs == 1 || (signs == 2 && byte(next - 1) != byte(next - 2)) else { return nil }
        next = skipSpaces(next)
        if signs == 1, byte(next - 1) != 61, Ascii.isNameStart(byte(next)), let behind = typeAnnotation(from: next) {
            next = behind
        }
        if isQuote(next) { return quotedValue(from: next) }
        guard unquotedValues else { return nil }
        var end = next
        while end < range.upperBound, bytes[end] > 32, !isQuote(end), bytes[end] != 44, bytes[end] != 59 { end += 1 }
        // `key: call(…)` and `key: &anchor` are no values.
        let isPlain = !bytes[next..<end].contains { $0 == 40 || $0 == 41 || $0 == 38 }
        return isPlain ? next..<end : nil
    }

    /// `: String = ` and its like; the position of the value, if it is one.
    private func typeAnnotation(from start: Int) -> Int? {
        var next = start
        while next < range.upperBound, next - start < 40, Ascii.isName(bytes[next]) || byte(next) == 63 { next += 1 }
        next = skipSpaces(next)
        guard byte(next) == 61, byte(next + 1) != 61 else { return nil }
        return skipSpaces(next + 1)
    }

    private func quotedValue(from quote: Int) -> Range<Int>? {
        let mark = bytes[quote]
        var end = quote + 1
        while end < range.upperBound, bytes[end] != mark {
            guard bytes[end] > 32, end - quote <= Self.valueLength.upperBound else { return nil }
            end += 1
        }
        return end < range.upperBound ? quote + 1..<end : nil
    }

    /// Random-looking rather than a word, a path, a reference or a template.
    private func looksSecret(_ value: Range<Int>, isPassword: Bool) -> Bool {
        var hasDigit = false
        var hasLetter = false
        var hasOther = false
        for byte in bytes[value] {
            if Ascii.isDigit(byte) {
                hasDigit = true
            } else if Ascii.isLetter(byte) {
                hasLetter = true
            } else if byte != 95, byte != 45, byte != 46 {
                hasOther = true
            }
            // `${VAR}`, `<value>`, `\(name)`, `%s`, `{{ name }}`, `a/b`
            if [36, 60, 62, 92, 123, 125, 37].contains(byte) { return false }
        }
        guard hasLetter, hasDigit || (isPassword && hasOther), !isPlaceholder(value) else { return false }
        guard byte(value.lowerBound) != 47, byte(value.lowerBound) != 46, !isReference(value) else { return false }
        return entropy(value) >= (isPassword ? 2.5 : 3.2)
    }

    /// Words joined by signs, with at most two digits behind each: `auth_token_v2`, `kSecretName`, `config.token`.
    private func isReference(_ value: Range<Int>) -> Bool {
        var letters = 0
        var digits = 0
        for position in value {
            let byte = bytes[position]
            if Ascii.isLetter(byte) {
                if digits > 0 { return false }
                letters += 1
            } else if Ascii.isDigit(byte) {
                digits += 1
                if letters == 0 || digits > 2 { return false }
            } else if byte == 95 || byte == 45 || byte == 46 || byte == 58 || byte == 47 {
                letters = 0
                digits = 0
            } else {
                return false
            }
        }
        return true
    }

    func isPlaceholder(_ value: Range<Int>) -> Bool {
        let lowercased = bytes[value].map(Ascii.lowercased)
        return Self.placeholders.contains { ByteSearch.first($0, in: lowercased) != nil }
    }

    /// Shannon's entropy of the bytes, in bits per byte.
    func entropy(_ value: Range<Int>) -> Double {
        var counts = [Int](repeating: 0, count: 256)
        for byte in bytes[value] { counts[Int(byte)] += 1 }
        let total = Double(value.count)
        return counts.reduce(0) { sum, count in
            guard count > 0 else { return sum }
            let share = Double(count) / total
            return sum - share * log2(share)
        }
    }

    private func byte(_ position: Int) -> UInt8 {
        position >= range.lowerBound && position < range.upperBound ? bytes[position] : 0
    }

    private func isQuote(_ position: Int) -> Bool {
        [Ascii.quote, Ascii.apostrophe, Ascii.backtick].contains(byte(position))
    }

    private func skipSpaces(_ start: Int) -> Int {
        var next = start
        while byte(next) == Ascii.space || byte(next) == 9 { next += 1 }
        return next
    }
}
