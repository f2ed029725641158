/// The tokens of a file that mean something to the compiler, with each bracket's partner.
///
/// Comments are left out. So are conditional compilation lines, after they have done their part: of the branches of an
/// `#if`, each begins with the brackets that were open before it.
struct CodeView {
    let file: SourceFile
    let tokens: [Token]
    /// For each bracket the position of its partner in `tokens`; -1 for all others and for brackets without one.
    let partners: [Int32]

    /// What is kept of open brackets per conditional line, and how many such lines deep. Beyond it a branch begins with
    /// whatever is open.
    private static let savedBrackets = 256
    private static let savedBranches = 32

    init(_ file: SourceFile) {
        self.file = file
        var kept: [Token] = []
        kept.reserveCapacity(file.tokens.count)
        var partners: [Int32] = []
        partners.reserveCapacity(file.tokens.count)
        var open: [Int] = []
        var branches: [[Int]] = []
        for token in file.tokens {
            switch token.kind {
            case .comment: continue
            case .directive:
                Self.follow(token.symbol, open: &open, branches: &branches)
                continue
            case .name, .number, .string, .interpolation, .pattern, .sign: break
            }
            partners.append(-1)
            kept.append(token)
            Self.match(at: kept.count - 1, in: kept, open: &open, partners: &partners)
        }
        tokens = kept
        self.partners = partners
    }

    private static func follow(_ directive: Symbol, open: inout [Int], branches: inout [[Int]]) {
        switch directive {
        case .if:
            if branches.count < savedBranches, open.count <= savedBrackets {
                branches.append(open)
            } else {
                branches.append([])
            }
            if branches.count > 2 * savedBranches { branches.removeFirst() }
        case .else:
            if let saved = branches.last, !saved.isEmpty { open = saved }
        case .closeBrace: _ = branches.popLast()
        default: break
        }
    }

    private static func match(at position: Int, in tokens: [Token], open: inout [Int], partners: inout [Int32]) {
        let wanted: Symbol
        switch tokens[position].symbol {
        case .openParenthesis, .openBracket, .openBrace:
            open.append(position)
            return
        case .closeParenthesis: wanted = .openParenthesis
        case .closeBracket: wanted = .openBracket
        case .closeBrace:
            // A brace ends whatever was left open inside it.
            while let last = open.last, tokens[last].symbol != .openBrace { open.removeLast() }
            wanted = .openBrace
        default: return
        }
        guard let last = open.last, tokens[last].symbol == wanted else { return }
        open.removeLast()
        partners[last] = Int32(position)
        partners[position] = Int32(last)
    }

    var count: Int { tokens.count }

    /// The symbol at a position; `other` outside.
    @inline(__always)
    func symbol(_ position: Int) -> Symbol {
        position >= 0 && position < tokens.count ? tokens[position].symbol : .other
    }

    @inline(__always)
    func kind(_ position: Int) -> Token.Kind? {
        position >= 0 && position < tokens.count ? tokens[position].kind : nil
    }

    func isName(_ position: Int) -> Bool { kind(position) == .name }

    func text(_ position: Int) -> String {
        position >= 0 && position < tokens.count ? file.text(tokens[position]) : ""
    }

    /// The bytes of a token.
    func bytes(_ position: Int) -> ArraySlice<UInt8> { file.bytes[tokens[position].start..<tokens[position].end] }

    /// The partner of a bracket, if it has one.
    func partner(_ position: Int) -> Int? {
        guard position >= 0, position < partners.count, partners[position] >= 0 else { return nil }
        return Int(partners[position])
    }

    func line(_ position: Int) -> Int { file.line(at: tokens[position].start) }

    /// True where a line ends between two neighbouring tokens.
    func newlineBefore(_ position: Int) -> Bool {
        guard position > 0, position < tokens.count else { return true }
        return file.bytes[tokens[position - 1].end..<tokens[position].start].contains(Ascii.newline)
    }

    /// True where something blank stands directly before the token.
    func spaceBefore(_ position: Int) -> Bool {
        let start = tokens[position].start
        return start == 0 || Ascii.isSpace(file.bytes[start - 1])
    }

    func spaceAfter(_ position: Int) -> Bool {
        let end = tokens[position].end
        return end >= file.bytes.count || Ascii.isSpace(file.bytes[end])
    }
}
