/// What `q` asks for: each of its words must begin a word of title or description, case ignored.
///
/// Text is split here and not by PostgreSQL's dictionaries, so that the words which the projector stores and those which
/// are looked for in the live state are the same ones, and a task does not appear or vanish when it moves.
public struct SearchText: Sendable, Equatable {
    let words: [String]

    /// Nil if the text has more than 32 words. One without a word restricts nothing.
    public init?(_ text: String) {
        words = Self.words(of: [text])
        if words.count > SearchLimits.words { return nil }
    }

    /// Whether it has no word, and so restricts nothing.
    public var isEmpty: Bool { words.isEmpty }

    func matches(_ texts: [String]) -> Bool {
        if words.isEmpty { return true }
        let found = Self.words(of: texts)
        return words.allSatisfy { word in found.contains { $0.utf8.starts(with: word.utf8) } }
    }

    /// In PostgreSQL's query language. Words hold letters, marks and digits only, so there is nothing to escape.
    var query: String {
        words.map { "'\($0)':*" }.joined(separator: " & ")
    }

    /// The distinct words: runs of letters, marks and digits in lower case. An ideograph is a word of its own, since its
    /// script has no spaces. A word's bytes beyond 128 do not count.
    static func words(of texts: [String]) -> [String] {
        var words: [String] = []
        var seen: Set<[UInt8]> = []
        var word: [UInt8] = []
        func end() {
            if !word.isEmpty, seen.insert(word).inserted { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for text in texts {
            for scalar in text.lowercased().unicodeScalars {
                switch WordPart(scalar) {
                case .none: end()
                case .letter:
                    if word.count + scalar.utf8.count <= SearchLimits.wordBytes { word += scalar.utf8 }
                case .wholeWord:
                    end()
                    word += scalar.utf8
                    end()
                }
            }
            end()
        }
        return words
    }
}

private enum WordPart {
    case none
    case letter
    case wholeWord

    init(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            let isPart = (0x30...0x39).contains(scalar.value) || (0x61...0x7A).contains(scalar.value)
            self = isPart ? .letter : .none
            return
        }
        let properties = scalar.properties
        if properties.isIdeographic {
            self = .wholeWord
        } else if properties.isAlphabetic || properties.numericType != nil {
            self = .letter
        } else {
            switch properties.generalCategory {
            case .nonspacingMark, .spacingMark: self = .letter
            default: self = .none
            }
        }
    }
}
