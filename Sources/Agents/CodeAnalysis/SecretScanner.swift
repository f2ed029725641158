/// Finds credentials in bytes: those with a telling beginning, those in URLs, and values with enough entropy that are
/// given to a telling name. One pass, no regular expressions, no state.
struct SecretScanner {
    struct Secret: Sendable {
        var rule: Rule
        /// The bytes to mask.
        var range: Range<Int>
        /// Bytes at its beginning that every such credential has, and that may be shown.
        var publicPrefix: Int
    }

    let bytes: UnsafeBufferPointer<UInt8>
    let range: Range<Int>
    /// Values may stand without quotes, as in a configuration file.
    let unquotedValues: Bool

    /// All secrets of a range, in order; they do not overlap.
    static func secrets(in bytes: [UInt8], range: Range<Int>, unquotedValues: Bool) -> [Secret] {
        bytes.withUnsafeBufferPointer {
            SecretScanner(bytes: $0, range: range, unquotedValues: unquotedValues).scan()
        }
    }

    /// The text of a range with each secret replaced by what it is long.
    static func masked(_ bytes: [UInt8], range: Range<Int>, secrets: [Secret]) -> String {
        var text = ""
        var next = range.lowerBound
        for secret in secrets where secret.range.upperBound > next && secret.range.lowerBound < range.upperBound {
            if secret.range.lowerBound > next {
                text += String(decoding: bytes[next..<secret.range.lowerBound], as: UTF8.self)
            }
            let publicEnd = secret.range.lowerBound + secret.publicPrefix
            text += String(decoding: bytes[secret.range.lowerBound..<publicEnd], as: UTF8.self)
            let hidden = secret.range.count - secret.publicPrefix
            if hidden > 0 { text += "[\(hidden) characters masked]" }
            next = secret.range.upperBound
        }
        if next < range.upperBound { text += String(decoding: bytes[next..<range.upperBound], as: UTF8.self) }
        return text
    }

    /// A text with its secrets masked.
    static func masked(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let secrets = secrets(in: bytes, range: 0..<bytes.count, unquotedValues: true)
        return secrets.isEmpty ? text : masked(bytes, range: 0..<bytes.count, secrets: secrets)
    }

    private func scan() -> [Secret] {
        var found: [Secret] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = bytes[position]
            if SecretPattern.beginnings[Int(byte)], let secret = secret(at: position, byte: byte) {
                found.append(secret)
                position = secret.range.upperBound
            } else if Ascii.isName(byte) {
                // On to the end of the word; a telling name makes the value behind it a candidate.
                let start = position
                while position < range.upperBound, Ascii.isName(bytes[position]) || bytes[position] == 45 {
                    position += 1
                }
                if let secret = assignedSecret(name: start..<position) {
                    found.append(secret)
                    position = secret.range.upperBound
                }
            } else {
                position += 1
            }
        }
        return found
    }

    /// A secret that shows by its own bytes. Only asked at the beginning of a word or at a sign.
    private func secret(at position: Int, byte: UInt8) -> Secret? {
        switch byte {
        case 45: return privateKey(at: position)
        case 58: return urlPassword(at: position)
        case 101:
            if let token = webToken(at: position) { return token }
        default: break
        }
        for pattern in SecretPattern.byFirstByte[Int(byte)] {
            guard matches(pattern.prefix, at: position) else { continue }
            let start = position + pattern.prefix.count
            let end = end(of: pattern.alphabet, from: start)
            guard pattern.length.contains(end - start), !isPlaceholder(start..<end), entropy(start..<end) > 2.5 else {
                continue
            }
            return Secret(rule: pattern.rule, range: position..<end, publicPrefix: pattern.prefix.count)
        }
        return nil
    }

    private func privateKey(at position: Int) -> Secret? {
        guard matches(Self.keyBegin, at: position) else { return nil }
        var end = position + Self.keyBegin.count
        let limit = min(range.upperBound, end + 40)
        while end < limit, bytes[end] == Ascii.space || bytes[end] &- 65 < 26 || Ascii.isDigit(bytes[end]) { end += 1 }
        // Put together from words, so that the name of this kind of key need not stand here as one text.
        let words = String(decoding: UnsafeBufferPointer(rebasing: bytes[position..<end]), as: UTF8.self)
        guard words.hasSuffix("PRIVATE KEY") || words.hasSuffix("PRIVATE KEY BLOCK"), matches(Self.dashes, at: end)
        else { return nil }
        end += Self.dashes.count
        let publicPrefix = end - position
        // In a string literal the key itself may stand on the same line.
        while end < range.upperBound, bytes[end] != Ascii.newline, bytes[end] != Ascii.quote,
            bytes[end] != Ascii.apostrophe
        {
            end += 1
        }
        return Secret(rule: SecretPattern.privateKey, range: position..<end, publicPrefix: publicPrefix)
    }

    /// Three parts of base64url, of which the first two begin as a JSON object does.
    private func webToken(at position: Int) -> Secret? {
        guard matches(Self.tokenBegin, at: position) else { return nil }
        let first = end(of: .url, from: position)
        guard first - position >= 16, first < range.upperBound, bytes[first] == 46,
            matches(Self.tokenBegin, at: first + 1)
        else { return nil }
        let second = end(of: .url, from: first + 1)
        guard second < range.upperBound, bytes[second] == 46 else { return nil }
        let third = end(of: .url, from: second + 1)
        guard third - second > 20 else { return nil }
        return Secret(rule: SecretPattern.webToken, range: position..<third, publicPrefix: 3)
    }

    /// `://user:password@`
    private func urlPassword(at position: Int) -> Secret? {
        guard matches(Self.schemeEnd, at: position) else { return nil }
        var next = position + Self.schemeEnd.count
        let limit = min(range.upperBound, next + 256)
        var colon: Int?
        while next < limit {
            switch bytes[next] {
            case 64:
                guard let colon, next - colon - 1 >= 4, !isPlaceholder(colon + 1..<next) else { return nil }
                return Secret(rule: SecretPattern.urlPassword, range: colon + 1..<next, publicPrefix: 0)
            case 58: colon = colon ?? next
            case 47, 63, 35, Ascii.quote, Ascii.apostrophe, Ascii.backtick, 60, 62, 123, 125, 40, 41, Ascii.backslash,
                0...32:
                return nil
            default: break
            }
            next += 1
        }
        return nil
    }

    func matches(_ mark: [UInt8], at position: Int) -> Bool {
        guard position >= range.lowerBound, position + mark.count <= range.upperBound else { return false }
        for index in 0..<mark.count where bytes[position + index] != mark[index] { return false }
        return true
    }

    private func end(of alphabet: SecretPattern.Alphabet, from start: Int) -> Int {
        var end = start
        while end < range.upperBound, alphabet.contains(bytes[end]) { end += 1 }
        return end
    }

    private static let keyBegin = Array("-----BEGIN ".utf8)
    private static let dashes = Array("-----".utf8)
    private static let tokenBegin = Array("eyJ".utf8)
    private static let schemeEnd = Array("://".utf8)
}
