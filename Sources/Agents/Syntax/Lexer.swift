/// Splits source text into tokens, without ever failing: whatever the bytes are, every one of them is passed once.
///
/// It knows where strings and comments begin and end, and so keeps a `{` in a string from being a bracket. It does not
/// parse. Expressions inside interpolated strings stay part of the string.
struct Lexer {
    let bytes: UnsafeBufferPointer<UInt8>
    let grammar: Grammar
    var position = 0
    var tokens: [Token] = []

    static func tokens(of bytes: UnsafeBufferPointer<UInt8>, grammar: Grammar) -> [Token] {
        guard grammar.isLexed else { return [] }
        var lexer = Lexer(bytes: bytes, grammar: grammar)
        lexer.tokens.reserveCapacity(bytes.count / 5)
        lexer.run()
        return lexer.tokens
    }

    private init(bytes: UnsafeBufferPointer<UInt8>, grammar: Grammar) {
        self.bytes = bytes
        self.grammar = grammar
    }

    /// The byte `distance` further on, or 0 behind the end.
    @inline(__always)
    func peek(_ distance: Int = 0) -> UInt8 {
        position + distance < bytes.count ? bytes[position + distance] : 0
    }

    func isAt(_ mark: [UInt8]) -> Bool {
        guard position + mark.count <= bytes.count else { return false }
        for index in 0..<mark.count where bytes[position + index] != mark[index] { return false }
        return true
    }

    mutating func add(_ kind: Token.Kind, from start: Int, symbol: Symbol = .other) {
        tokens.append(Token(kind, from: start, to: position, symbol: symbol))
    }

    private mutating func run() {
        while position < bytes.count {
            let byte = bytes[position]
            if Ascii.isSpace(byte) {
                position += 1
            } else if Ascii.isNameStart(byte) || grammar.nameBytes.contains(byte) {
                if !lexPrefixedString() { lexName() }
            } else if Ascii.isDigit(byte) {
                lexNumber()
            } else if !(lexComment() || lexDirective(byte) || lexString(byte) || lexPattern(byte)) {
                lexSign(byte)
            }
        }
    }

    private mutating func lexName() {
        let start = position
        var hash = ByteHash.start
        while position < bytes.count {
            let byte = bytes[position]
            guard Ascii.isName(byte) || grammar.nameBytes.contains(byte) else { break }
            hash = ByteHash.add(byte, to: hash)
            position += 1
        }
        let symbol = position - start <= Symbol.longestKeyword ? Symbol.keywords[hash] ?? .other : .other
        add(.name, from: start, symbol: symbol)
    }

    private mutating func lexNumber() {
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            let isPoint = byte == 46 && Ascii.isDigit(peek(1))
            let isSeparator = byte == Ascii.apostrophe && grammar.prefixes == .cpp && Ascii.isName(peek(1))
            guard Ascii.isName(byte) || isPoint || isSeparator else { break }
            position += 1
        }
        add(.number, from: start)
    }

    private mutating func lexComment() -> Bool {
        let start = position
        if let block = grammar.blockComment, isAt(block.open) {
            position += block.open.count
            var depth = 1
            while position < bytes.count, depth > 0 {
                if isAt(block.close) {
                    depth -= 1
                    position += block.close.count
                } else if grammar.blockCommentsNest, isAt(block.open) {
                    depth += 1
                    position += block.open.count
                } else {
                    position += 1
                }
            }
            add(.comment, from: start)
            return true
        }
        for mark in grammar.lineComments where isAt(mark) {
            if grammar.hashNeedsSpace, start > 0, !Ascii.isSpace(bytes[start - 1]), bytes[start - 1] != 59 { continue }
            skipLine(continued: false)
            add(.comment, from: start)
            return true
        }
        return false
    }

    /// Moves to the end of the line; over the line's end where a backslash stands before it and `continued` is true.
    private mutating func skipLine(continued: Bool) {
        while position < bytes.count, bytes[position] != Ascii.newline {
            if continued, bytes[position] == Ascii.backslash {
                position += peek(1) == Ascii.carriageReturn && peek(2) == Ascii.newline ? 2 : 1
                guard position < bytes.count else { return }
            }
            position += 1
        }
        if position > 0, position <= bytes.count, bytes[position - 1] == Ascii.carriageReturn { position -= 1 }
    }

    private mutating func lexDirective(_ byte: UInt8) -> Bool {
        guard byte == Ascii.hash, grammar.directives != .none else { return false }
        var word = position + 1
        while word < bytes.count, bytes[word] == Ascii.space || bytes[word] == 9 { word += 1 }
        let start = position
        switch grammar.directives {
        case .none: return false
        case .all:
            guard isFirstOnLine else { return false }
            skipLine(continued: true)
        case .conditionalOnly:
            let conditional = ["if", "else", "elseif", "endif"].contains { keyword in
                let end = word + keyword.utf8.count
                return end <= bytes.count && bytes[word..<end].elementsEqual(keyword.utf8)
                    && (end == bytes.count || !Ascii.isName(bytes[end]))
            }
            guard conditional, isFirstOnLine else { return false }
            skipLine(continued: false)
        }
        let symbol: Symbol
        switch word < bytes.count ? bytes[word] : 0 {
        case 105 where word + 1 < bytes.count && bytes[word + 1] == 102: symbol = .if
        case 101 where word + 1 < bytes.count && bytes[word + 1] == 110: symbol = .closeBrace
        case 101: symbol = .else
        default: symbol = .other
        }
        add(.directive, from: start, symbol: symbol)
        return true
    }

    private var isFirstOnLine: Bool {
        var before = position - 1
        while before >= 0, bytes[before] == Ascii.space || bytes[before] == 9 { before -= 1 }
        return before < 0 || bytes[before] == Ascii.newline
    }

    private mutating func lexSign(_ byte: UInt8) {
        let start = position
        if byte == 46, peek(1) == 46, peek(2) == 46 {
            position += 3
            add(.sign, from: start, symbol: .ellipsis)
            return
        }
        let pair = Symbol.sign(byte, peek(1))
        position += pair == .other ? 1 : 2
        add(.sign, from: start, symbol: pair == .other ? Symbol.signs[Int(byte)] : pair)
    }
}
