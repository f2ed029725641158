/// The `tracestate` header: what other tracing systems pass along with the trace. AMAS reads nothing in it and sends it
/// on.
public struct TraceState: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public let key: String
        public let value: String

        /// Characters in the header.
        var length: Int { key.utf8.count + 1 + value.utf8.count }
    }

    /// The most recent first.
    public let members: [Member]

    public static let empty = TraceState(members: [])

    private init(members: [Member]) {
        self.members = members
    }

    /// Reads the header's fields in the order they came. Nil if any member is malformed or there are more than 32: the
    /// recommendation has the whole list dropped then. Of members with one key the first is kept, it being the most
    /// recent.
    public init?(headers: [String]) {
        var members: [Member] = []
        var keys: Set<String> = []
        var count = 0
        for header in headers {
            for part in header.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: true) {
                let text = part.trimmingOptionalWhitespace
                if text.isEmpty { continue }
                count += 1
                guard count <= TelemetryLimits.traceStateMembers, let member = Self.member(text) else { return nil }
                if keys.insert(member.key).inserted { members.append(member) }
            }
        }
        self.members = Self.fitting(members)
    }

    /// The header to send, nil when there is nothing to say.
    public var header: String? {
        members.isEmpty ? nil : members.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    private static func member(_ text: Substring.UTF8View) -> Member? {
        let parts = text.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
        guard parts.count == 2, isKey(parts[0]), isValue(parts[1]), let key = String(parts[0]),
            let value = String(parts[1])
        else { return nil }
        return Member(key: key, value: value)
    }

    /// `simple` of at most 256 characters, or `tenant@system` of at most 241 and 14.
    private static func isKey(_ text: Substring.UTF8View) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isKeyPart(parts[0], maximum: 256, digitFirst: false)
        case 2:
            return isKeyPart(parts[0], maximum: 241, digitFirst: true)
                && isKeyPart(parts[1], maximum: 14, digitFirst: false)
        default: return false
        }
    }

    private static func isKeyPart(_ text: Substring.UTF8View, maximum: Int, digitFirst: Bool) -> Bool {
        guard let first = text.first, text.count <= maximum, first.isLowerCaseLetter || digitFirst && first.isDigit
        else { return false }
        return text.allSatisfy { byte in
            byte.isLowerCaseLetter || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "/")
        }
    }

    /// 1 to 256 printable ASCII characters other than comma and equals sign, the last not a space (the caller has
    /// trimmed it).
    private static func isValue(_ text: Substring.UTF8View) -> Bool {
        (1...256).contains(text.count)
            && text.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }

    private static func fitting(_ members: [Member]) -> [Member] {
        var kept = members
        while length(kept) > TelemetryLimits.traceStateCharacters {
            let long = kept.lastIndex { $0.length > TelemetryLimits.traceStateLongMemberCharacters }
            kept.remove(at: long ?? kept.count - 1)
        }
        return kept
    }

    private static func length(_ members: [Member]) -> Int {
        members.reduce(0) { $0 + $1.length } + max(0, members.count - 1)
    }
}

extension UInt8 {
    fileprivate var isLowerCaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

extension Substring.UTF8View {
    /// Without the spaces and tabs at both ends that HTTP allows around a list member.
    var trimmingOptionalWhitespace: Substring.UTF8View {
        var rest = self
        while let first = rest.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") { rest.removeFirst() }
        while let last = rest.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { rest.removeLast() }
        return rest
    }
}
