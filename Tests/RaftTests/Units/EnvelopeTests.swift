import Testing

@testable import Raft

@Suite("Envelope")
struct EnvelopeTests {
    private func envelope(_ random: inout SeededRandom) -> Envelope {
        let body = (0..<random.number(0...40)).map { _ in UInt8(random.number(0...255)) }
        let sequence = random.chance(300) ? 0 : random.next() | 1
        let trace = Envelope.Trace(
            traceIDHigh: random.next(), traceIDLow: random.next(), spanID: random.next(),
            flags: UInt8(random.number(0...255)))
        return Envelope(
            machineVersion: UInt32(random.number(0...9)),
            session: sequence == 0 ? nil : .init(node: NodeID(random.next()), boot: BootID(random.next())),
            sequence: sequence, floor: random.next(), tenant: random.pick(["", "default", "café"]), trace: trace,
            codec: random.chance(500) ? .raw : .lz4Block, decodedBodyLength: UInt32(random.number(0...4096)),
            body: body[...])
    }

    @Test("an envelope is read as it was written, with the times that were stamped into it", arguments: Seeds.list(100))
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var expected = envelope(&random)
        var bytes = expected.encoded()
        expected.clusterTimeMicroseconds = random.next()
        expected.wallTimeMicroseconds = random.next()
        Envelope.stamp(
            &bytes, clusterTimeMicroseconds: expected.clusterTimeMicroseconds,
            wallTimeMicroseconds: expected.wallTimeMicroseconds)
        let placed = [0, 0, 0, 0, 0] + bytes
        #expect(try Envelope(decoding: placed[5...]) == expected)
        #expect(Envelope.clusterTimeMicroseconds(of: placed[5...]) == expected.clusterTimeMicroseconds)
    }

    @Test("a header cut short is refused, and no flipped bit traps", arguments: Seeds.list(10))
    func damage(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let original = envelope(&random)
        var bytes = original.encoded()
        for length in 0..<(Envelope.headerLength + original.tenant.utf8.count) {
            #expect(throws: Envelope.DecodingError.truncated) { try Envelope(decoding: bytes.prefix(length)) }
        }
        for bit in 0..<(bytes.count * 8) {
            bytes[bit / 8] ^= 1 << (bit % 8)
            if let other = try? Envelope(decoding: bytes[...]) {
                #expect(try Envelope(decoding: other.encoded()[...]) == other)
            }
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    @Test("what is not known is named: version, kind, codec, tenant")
    func unknown() {
        var random = SeededRandom(seed: 1)
        let bytes = envelope(&random).encoded()
        func decoding(_ place: Int, _ value: UInt8) -> Envelope.DecodingError? {
            var changed = bytes
            changed[place] = value
            do throws(Envelope.DecodingError) {
                _ = try Envelope(decoding: changed[...])
                return nil
            } catch { return error }
        }
        #expect(decoding(0, 7) == .unknownFormatVersion(7))
        #expect(decoding(1, 7) == .unknownKind(7))
        #expect(decoding(2, 7) == .unknownCodec(7))
        var tenant = Envelope(
            machineVersion: 1, session: nil, sequence: 0, floor: 0, tenant: "a", decodedBodyLength: 0, body: []
        ).encoded()
        tenant[Envelope.headerLength] = 0xFF
        #expect(throws: Envelope.DecodingError.invalidTenant) { try Envelope(decoding: tenant[...]) }
    }

    @Test("a tenant of the greatest length is read, a longer one is refused")
    func tenantLimit() throws {
        let longest = String(repeating: "t", count: Envelope.maximumTenantBytes)
        var bytes = Envelope(
            machineVersion: 1, session: nil, sequence: 0, floor: 0, tenant: longest, decodedBodyLength: 1, body: [1]
        ).encoded()
        #expect(try Envelope(decoding: bytes[...]).tenant == longest)
        bytes.replaceLittleEndian(UInt16(Envelope.maximumTenantBytes + 1), at: 88)
        #expect(throws: Envelope.DecodingError.invalidTenant) { try Envelope(decoding: bytes[...]) }
    }
}
