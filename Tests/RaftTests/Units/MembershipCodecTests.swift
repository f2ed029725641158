import Testing

@testable import Raft

@Suite("Membership bytes")
struct MembershipCodecTests {
    @Test("a membership is read as it was written", arguments: Seeds.list(50))
    func roundTrip(seed: UInt64) throws {
        var source = RandomMessages(random: SeededRandom(seed: seed))
        let membership = source.membership()
        let bytes = [7, 7] + membership.encoded()
        #expect(try Membership(decoding: bytes[2...]) == membership)
    }

    @Test(
        "cut short, lengthened or with any bit flipped it is an error or another membership", arguments: Seeds.list(10))
    func damage(seed: UInt64) throws {
        var source = RandomMessages(random: SeededRandom(seed: seed))
        var bytes = source.membership().encoded()
        for length in 0..<bytes.count {
            #expect(throws: Membership.DecodingError.truncated) { try Membership(decoding: bytes.prefix(length)) }
        }
        #expect(throws: Membership.DecodingError.malformed) { try Membership(decoding: (bytes + [0])[...]) }
        for bit in 0..<(bytes.count * 8) {
            bytes[bit / 8] ^= 1 << (bit % 8)
            if let other = try? Membership(decoding: bytes[...]) {
                #expect(try Membership(decoding: other.encoded()[...]) == other)
            }
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    @Test("one member in two roles, and node zero, are refused")
    func contradictions() {
        var bytes = Membership(voters: [1, 2, 3], joining: [4]).encoded()
        bytes[bytes.count - 10] = 3
        #expect(throws: Membership.DecodingError.malformed) { try Membership(decoding: bytes[...]) }
        let zero = Membership(voters: [0, 1, 2]).encoded()
        #expect(throws: Membership.DecodingError.malformed) { try Membership(decoding: zero[...]) }
    }

    @Test("the greatest number of members in a role is read, one more is refused")
    func limit() throws {
        let most = Membership(voters: [1], gateways: (2...1025).map { NodeID($0) })
        var bytes = most.encoded()
        #expect(try Membership(decoding: bytes[...]) == most)
        let countOfGateways = 1 + 2 + 8 + 2 + 2
        bytes.replaceLittleEndian(UInt16(1025), at: countOfGateways)
        bytes.appendLittleEndian(UInt64(9999))
        #expect(throws: Membership.DecodingError.malformed) { try Membership(decoding: bytes[...]) }
    }
}
