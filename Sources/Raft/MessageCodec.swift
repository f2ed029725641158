/// The bytes of a message, little-endian, in a fixed layout that needs no allocation but the frame itself:
/// version (1), kind (1), flags (2), from (8), to (8), term (8), then by kind:
///
/// | kind | body |
/// |---|---|
/// | pre-vote and vote request | last log: index, term; flag 1 = transfer |
/// | pre-vote response | candidacy; flag 1 = granted |
/// | vote response | flag 1 = granted |
/// | append | previous: index, term; commit; count (4); then for each entry: term (8), kind (1), length (4), data |
/// | accepted | match |
/// | rejected | rejected; hint: index, term |
/// | heartbeat | commit, round |
/// | heartbeat response | round |
/// | install snapshot | position: index, term; then the membership to the end |
///
/// Reading refuses whatever no member of any cluster says: terms that fall along the entries or lie ahead of the sender's,
/// a place without a term, a configuration that cannot be read or has no voters. So what reaches `Raft.step` is well formed.
///
/// The group of the message is in the header of the frame that carries it.
extension Message {
    public static let formatVersion: UInt8 = 1
    static let headerLength = 28
    fileprivate static let entryHeaderLength = 13
    /// Terms and indices count up from zero: one beyond this is damage, and the next one after it must still be a number.
    fileprivate static let maximumCount = UInt64.max / 2

    public enum DecodingError: Error, Equatable, Sendable {
        case truncated
        case unknownFormatVersion(UInt8)
        case unknownKind(UInt8)
        case malformed
    }

    private enum Kind: UInt8 {
        case preVoteRequest = 1, preVoteResponse, voteRequest, voteResponse, appendEntries, appendAccepted,
            appendRejected,
            heartbeat, heartbeatResponse, installSnapshot, timeoutNow, staleTerm
    }

    private var kind: Kind {
        switch body {
        case .preVoteRequest: .preVoteRequest
        case .preVoteResponse: .preVoteResponse
        case .voteRequest: .voteRequest
        case .voteResponse: .voteResponse
        case .appendEntries: .appendEntries
        case .appendAccepted: .appendAccepted
        case .appendRejected: .appendRejected
        case .heartbeat: .heartbeat
        case .heartbeatResponse: .heartbeatResponse
        case .installSnapshot: .installSnapshot
        case .timeoutNow: .timeoutNow
        case .staleTerm: .staleTerm
        }
    }

    private var flag: Bool {
        switch body {
        case .preVoteResponse(let granted, _), .voteResponse(let granted): granted
        case .voteRequest(_, let transfer): transfer
        case .preVoteRequest, .appendEntries, .appendAccepted, .appendRejected, .heartbeat, .heartbeatResponse,
            .installSnapshot, .timeoutNow, .staleTerm:
            false
        }
    }

    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encodedLengthEstimate)
        bytes.append(Self.formatVersion)
        bytes.append(kind.rawValue)
        bytes.appendLittleEndian(UInt16(flag ? 1 : 0))
        bytes.appendLittleEndian(from.rawValue)
        bytes.appendLittleEndian(to.rawValue)
        bytes.appendLittleEndian(term.rawValue)
        precondition(bytes.count == Self.headerLength, "the table above and this function agree")
        switch body {
        case .preVoteRequest(let lastLog), .voteRequest(let lastLog, _):
            bytes.append(lastLog)
        case .preVoteResponse(_, let candidacy):
            bytes.appendLittleEndian(candidacy.rawValue)
        case .appendEntries(let append):
            bytes.append(append)
        case .appendAccepted(let match):
            bytes.appendLittleEndian(match.rawValue)
        case .appendRejected(let rejected, let hint):
            bytes.appendLittleEndian(rejected.rawValue)
            bytes.append(hint)
        case .heartbeat(let commit, let round):
            bytes.appendLittleEndian(commit.rawValue)
            bytes.appendLittleEndian(round)
        case .heartbeatResponse(let round):
            bytes.appendLittleEndian(round)
        case .installSnapshot(let descriptor):
            bytes.append(descriptor.position)
            bytes.append(contentsOf: descriptor.membership.encoded())
        case .voteResponse, .timeoutNow, .staleTerm:
            break
        }
        return bytes
    }

    private var encodedLengthEstimate: Int {
        guard case .appendEntries(let append) = body else { return Self.headerLength + 32 }
        return append.entries.reduce(Self.headerLength + 28) { $0 + Self.entryHeaderLength + $1.data.count }
    }

    /// Reads a message; the data of entries shares the storage of `bytes`.
    public init(decoding bytes: ArraySlice<UInt8>) throws(DecodingError) {
        guard bytes.count >= Self.headerLength else { throw .truncated }
        let start = bytes.startIndex
        guard bytes[start] == Self.formatVersion else { throw .unknownFormatVersion(bytes[start]) }
        guard let kind = Kind(rawValue: bytes[start + 1]) else { throw .unknownKind(bytes[start + 1]) }
        let flags: UInt16 = bytes.littleEndian(at: start + 2)
        guard flags <= 1 else { throw .malformed }
        from = NodeID(bytes.littleEndian(at: start + 4))
        to = NodeID(bytes.littleEndian(at: start + 12))
        term = Term(bytes.littleEndian(at: start + 20))
        guard from.rawValue != 0, to.rawValue != 0, from != to, term.rawValue <= Self.maximumCount else {
            throw .malformed
        }
        var reader = Reader(bytes: bytes.dropFirst(Self.headerLength), senderTerm: term)
        body = try Self.body(kind, flag: flags == 1, from: &reader)
        guard reader.bytes.isEmpty else { throw .malformed }
    }

    private static func body(
        _ kind: Kind, flag: Bool, from reader: inout Reader
    ) throws(DecodingError) -> Body {
        switch kind {
        case .preVoteRequest: return .preVoteRequest(lastLog: try reader.position())
        case .preVoteResponse: return .preVoteResponse(granted: flag, candidacy: Term(try reader.integer()))
        case .voteRequest: return .voteRequest(lastLog: try reader.position(), transfer: flag)
        case .voteResponse: return .voteResponse(granted: flag)
        case .appendEntries: return .appendEntries(try reader.append())
        case .appendAccepted: return .appendAccepted(match: LogIndex(try reader.integer()))
        case .appendRejected:
            let rejected = LogIndex(try reader.integer())
            // The beginning of the log fits everywhere.
            guard rejected > .zero else { throw .malformed }
            return .appendRejected(rejected: rejected, hint: try reader.position())
        case .heartbeat: return .heartbeat(commit: LogIndex(try reader.integer()), round: try reader.integer())
        case .heartbeatResponse: return .heartbeatResponse(round: try reader.integer())
        case .installSnapshot:
            let position = try reader.position()
            guard position.index > .zero, position.term <= reader.senderTerm,
                let membership = Reader.electorate(reader.rest())
            else { throw .malformed }
            return .installSnapshot(SnapshotDescriptor(position: position, membership: membership))
        case .timeoutNow: return .timeoutNow
        case .staleTerm: return .staleTerm
        }
    }
}

extension Message {
    fileprivate struct Reader {
        var bytes: ArraySlice<UInt8>
        let senderTerm: Term

        /// A membership in which somebody can be elected.
        static func electorate(_ bytes: ArraySlice<UInt8>) -> Membership? {
            guard let membership = try? Membership(decoding: bytes), !membership.voters.isEmpty else { return nil }
            return membership
        }

        mutating func integer<Value: FixedWidthInteger>(as type: Value.Type = Value.self) throws(DecodingError) -> Value
        {
            guard bytes.count >= MemoryLayout<Value>.size else { throw .truncated }
            defer { bytes = bytes.dropFirst(MemoryLayout<Value>.size) }
            return bytes.littleEndian(at: bytes.startIndex)
        }

        mutating func position() throws(DecodingError) -> LogPosition {
            let position = LogPosition(index: LogIndex(try integer()), term: Term(try integer()))
            // Only the place before the first entry has term zero.
            guard position.index.rawValue <= maximumCount, position.term.rawValue <= maximumCount,
                (position.index == .zero) == (position.term == .zero)
            else { throw .malformed }
            return position
        }

        mutating func rest() -> ArraySlice<UInt8> {
            defer { bytes = [] }
            return bytes
        }

        mutating func append() throws(DecodingError) -> AppendEntries {
            let previous = try position()
            let commit = LogIndex(try integer())
            let count = Int(try integer(as: UInt32.self))
            // Every entry takes its header at least, so a count beyond this is a lie and must not reserve memory.
            guard count <= bytes.count / entryHeaderLength else { throw .truncated }
            guard previous.term <= senderTerm else { throw .malformed }
            var entries: [Entry] = []
            entries.reserveCapacity(count)
            var lastTerm = max(previous.term, Term.zero.next)
            for place in 0..<count {
                let term = Term(try integer())
                guard term >= lastTerm, term <= senderTerm else { throw .malformed }
                lastTerm = term
                guard let kind = Entry.Kind(rawValue: try integer()) else { throw .malformed }
                let length = Int(try integer(as: UInt32.self))
                guard length <= bytes.count else { throw .truncated }
                let data = bytes.prefix(length)
                bytes = bytes.dropFirst(length)
                if kind == .configuration, Self.electorate(data) == nil { throw .malformed }
                entries.append(Entry(index: previous.index + (place + 1), term: term, kind: kind, data: data))
            }
            return AppendEntries(previous: previous, entries: entries[...], commit: commit)
        }
    }
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(_ position: LogPosition) {
        appendLittleEndian(position.index.rawValue)
        appendLittleEndian(position.term.rawValue)
    }

    fileprivate mutating func append(_ append: Message.AppendEntries) {
        self.append(append.previous)
        appendLittleEndian(append.commit.rawValue)
        appendLittleEndian(UInt32(append.entries.count))
        for entry in append.entries {
            appendLittleEndian(entry.term.rawValue)
            self.append(entry.kind.rawValue)
            appendLittleEndian(UInt32(entry.data.count))
            self.append(contentsOf: entry.data)
        }
    }
}
