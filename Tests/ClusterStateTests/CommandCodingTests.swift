import ClusterState
import FoundationEssentials
import Raft
import SwiftProtobuf
import Testing

@Suite("Commands in envelopes")
struct CommandCodingTests {
    func submission(descriptionBytes: Int) -> Command {
        Command(
            .submitTask(
                .with {
                    $0.taskID = "t1"
                    $0.spec = .simple
                    $0.spec.description_p = String(repeating: "word ", count: descriptionBytes / 5)
                }))
    }

    func envelope(_ command: Command, limits: Limits = .version1) throws -> Envelope {
        try Envelope(
            command: command, session: .init(node: NodeID(1), boot: BootID(2)), sequence: 3, floor: 2,
            tenant: "default", limits: limits)
    }

    @Test("a command comes out as it went in, compressed above 4 KiB", arguments: [0, 1_000, 4_000, 5_000, 39_000])
    func roundTrip(descriptionBytes: Int) throws {
        let command = submission(descriptionBytes: descriptionBytes)
        let envelope = try envelope(command)
        #expect(envelope.codec == (descriptionBytes > 4_000 ? .lz4Block : .raw))
        let read = try Envelope(decoding: envelope.encoded()[...])
        #expect(try Command(decoding: read) == command)
        #expect(read.machineVersion == 1)
    }

    @Test("what does not compress is stored raw")
    func incompressible() throws {
        var random = Random(seed: 5)
        let noise = (0..<6_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let command = Command(.submitTask(.with { $0.spec.parameters = Payload(bytes: noise) }))
        #expect(try envelope(command).codec == .raw)
    }

    @Test("a body at the limit is proposed, one byte more is not")
    func limit() throws {
        let command = submission(descriptionBytes: 500)
        let size: Int = try (command.serializedBytes() as [UInt8]).count
        var limits = Limits()
        limits.commandBytes = size
        #expect(throws: Never.self) { try envelope(command, limits: limits) }
        limits.commandBytes = size - 1
        #expect(throws: CommandEncodingError.tooLarge(bytes: size, limit: size - 1)) {
            try envelope(command, limits: limits)
        }
        let big = try envelope(command)
        #expect(throws: CommandDecodingError.tooLarge) { try Command(decoding: big, limits: limits) }
    }

    @Test("a claim about the length that is not true is refused before memory is given to it")
    func lyingLength() throws {
        var lying = try envelope(submission(descriptionBytes: 9_000))
        let honest = lying.decodedBodyLength
        for length in [0, 1, honest - 1, honest + 1, 1 << 20] {
            lying.decodedBodyLength = length
            #expect(throws: CommandDecodingError.malformed) { try Command(decoding: lying) }
        }
        lying.decodedBodyLength = .max
        #expect(throws: CommandDecodingError.tooLarge) { try Command(decoding: lying) }
    }

    /// Field 2000, a varint.
    static let unknownField: [UInt8] = [0x80, 0x7D, 0x01]

    @Test("an unknown field is found at any depth, and so is an unknown command")
    func unknownFields() throws {
        func read(_ body: [UInt8]) throws -> Command {
            try Command(
                decoding: Envelope(
                    machineVersion: 1, session: nil, sequence: 0, floor: 0, tenant: "default",
                    decodedBodyLength: UInt32(body.count), body: body[...]))
        }
        let top: [UInt8] = try submission(descriptionBytes: 10).serializedBytes() + Self.unknownField
        #expect(throws: CommandDecodingError.unknownFields) { try read(top) }
        var nested = SubmitTask.with { $0.spec = .simple }
        try nested.spec.steps[0].merge(serializedBytes: Self.unknownField)
        let deep: [UInt8] = try Command(.submitTask(nested)).serializedBytes()
        #expect(throws: CommandDecodingError.unknownFields) { try read(deep) }
        #expect(throws: CommandDecodingError.unknownFields) { try read(Self.unknownField) }
        #expect(throws: CommandDecodingError.malformed) { try read([]) }
        #expect(throws: CommandDecodingError.malformed) { try read([0xFF]) }
    }

    @Test(
        "a payload gives its bytes back and is compressed where that helps", arguments: [0, 1, 4_096, 4_097, 100_000])
    func payloads(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0 % 11) }
        let payload = Payload(bytes: bytes)
        #expect(try payload.decoded() == bytes)
        #expect(payload.length == UInt64(count))
        #expect(payload.codecCode == (count > 4_096 ? .lz4Block : .raw))
    }

    @Test("a damaged payload says so")
    func damagedPayload() {
        var payload = Payload(bytes: Array(repeating: 65, count: 10_000))
        payload.length = 9_999
        #expect(throws: PayloadError.damaged) { try payload.decoded() }
        payload.reference = PayloadReference()
        #expect(throws: PayloadError.notInline) { try payload.decoded() }
    }
}
