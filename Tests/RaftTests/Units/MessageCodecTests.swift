import Testing

@testable import Raft

@Suite("Message bytes")
struct MessageCodecTests {
    @Test("a message is read as it was written, wherever its bytes lie in a buffer", arguments: Seeds.list(20))
    func roundTrip(seed: UInt64) throws {
        var source = RandomMessages(random: SeededRandom(seed: seed))
        for _ in 0..<50 {
            let message = source.message()
            let bytes = message.encoded()
            #expect(try Message(decoding: bytes[...]) == message)
            let shifted = [1, 2, 3] + bytes
            #expect(try Message(decoding: shifted[3...]) == message)
        }
    }

    @Test("a message that is cut short or has bytes behind it is refused", arguments: Seeds.list(10))
    func truncation(seed: UInt64) {
        var source = RandomMessages(random: SeededRandom(seed: seed))
        for _ in 0..<24 {
            let bytes = source.message().encoded()
            for length in 0..<bytes.count {
                #expect(throws: Message.DecodingError.self) { try Message(decoding: bytes.prefix(length)) }
            }
            #expect(throws: Message.DecodingError.self) { try Message(decoding: (bytes + [0])[...]) }
        }
    }

    @Test("a flipped bit gives an error or another message that can be written and read", arguments: Seeds.list(10))
    func flippedBits(seed: UInt64) throws {
        var source = RandomMessages(random: SeededRandom(seed: seed))
        for _ in 0..<24 {
            var bytes = source.message().encoded()
            for bit in 0..<(bytes.count * 8) {
                bytes[bit / 8] ^= 1 << (bit % 8)
                if let other = try? Message(decoding: bytes[...]) {
                    #expect(try Message(decoding: other.encoded()[...]) == other)
                }
                bytes[bit / 8] ^= 1 << (bit % 8)
            }
        }
    }

    @Test("an announced number of entries reserves no memory that the bytes do not cover")
    func announcedCount() {
        var bytes = Message(
            from: 1, to: 2, term: 3, body: .appendEntries(.init(previous: .zero, entries: [], commit: 0))
        ).encoded()
        bytes.replaceLittleEndian(UInt32.max, at: bytes.count - 4)
        #expect(throws: Message.DecodingError.truncated) { try Message(decoding: bytes[...]) }
    }

    @Test("an unknown version or kind is named")
    func unknown() {
        var bytes = Message(from: 1, to: 2, term: 3, body: .timeoutNow).encoded()
        bytes[0] = 9
        #expect(throws: Message.DecodingError.unknownFormatVersion(9)) { try Message(decoding: bytes[...]) }
        bytes[0] = Message.formatVersion
        bytes[1] = 200
        #expect(throws: Message.DecodingError.unknownKind(200)) { try Message(decoding: bytes[...]) }
    }

    static let impossible: [(String, Message.Body)] = [
        ("a place in the log without a term", .preVoteRequest(lastLog: .at(5, 0))),
        ("a term before the log begins", .voteRequest(lastLog: .at(0, 5), transfer: false)),
        ("an index near the end of the numbers", .voteRequest(lastLog: .at(LogIndex(.max), 5), transfer: false)),
        ("a rejection of the beginning of the log", .appendRejected(rejected: 0, hint: .zero)),
        ("an empty snapshot", .installSnapshot(.init(position: .zero, membership: .voters(3)))),
        ("a snapshot of a term to come", .installSnapshot(.init(position: .at(5, 8), membership: .voters(3)))),
        ("a snapshot of a cluster without voters", .installSnapshot(.init(position: .at(5, 5), membership: .empty))),
        ("an append after a term to come", append(after: .at(1, 8), [])),
        ("an entry of a term to come", append(after: .at(1, 1), [.command(2, 8)])),
        ("an entry of an older term than the one before it", append(after: .at(1, 3), [.command(2, 2)])),
        ("entries whose terms fall", append(after: .at(1, 1), [.command(2, 3), .command(3, 2)])),
        ("an entry of term zero", append(after: .zero, [.command(1, 0)])),
        (
            "a configuration that cannot be read",
            append(after: .at(1, 1), [Entry(index: 2, term: 2, kind: .configuration, data: [9, 9])])
        ),
        ("a configuration without voters", append(after: .at(1, 1), [.configuration(2, 2, .empty)])),
    ]

    private static func append(after previous: LogPosition, _ entries: [Entry]) -> Message.Body {
        .appendEntries(.init(previous: previous, entries: entries[...], commit: 1))
    }

    @Test("what no correct member says is refused before it reaches a node", arguments: impossible)
    func refused(what: String, body: Message.Body) {
        let bytes = Message(from: 1, to: 2, term: 7, body: body).encoded()
        #expect(throws: Message.DecodingError.malformed) { try Message(decoding: bytes[...]) }
    }

    @Test("a message to its sender, from or to nobody, or of a term near the end of the numbers is refused")
    func refusedHeaders() {
        for (from, to, term) in [(1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 2, UInt64.max)] as [(UInt64, UInt64, UInt64)] {
            let bytes = Message(from: NodeID(from), to: NodeID(to), term: Term(term), body: .staleTerm).encoded()
            #expect(throws: Message.DecodingError.malformed) { try Message(decoding: bytes[...]) }
        }
    }
}
