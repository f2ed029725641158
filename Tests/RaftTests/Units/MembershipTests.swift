import Testing

@testable import Raft

/// The quorum arithmetic is small and yet three projects got it wrong (P18): every case up to seven voters is compared with
/// the definition.
@Suite("Membership")
struct MembershipTests {
    /// Bit i of a mask stands for node i + 1.
    private func nodes(_ mask: Int) -> [NodeID] {
        (0..<7).filter { mask & (1 << $0) != 0 }.map { NodeID(UInt64($0 + 1)) }
    }

    private func contains(_ mask: Int, _ node: NodeID) -> Bool { mask & (1 << Int(node.rawValue - 1)) != 0 }

    private func naiveQuorum(voters: Int, outgoing: Int, agreeing: Int) -> Bool {
        func majority(_ group: Int) -> Bool { (group & agreeing).nonzeroBitCount * 2 > group.nonzeroBitCount }
        return majority(voters) && (outgoing == 0 || majority(outgoing))
    }

    @Test("P18: a quorum is a majority, for every set of answers of up to seven voters")
    func simpleQuorums() {
        for count in 1...7 {
            let all = (1 << count) - 1
            let membership = Membership(voters: nodes(all))
            for agreeing in 0...all {
                let found = membership.isQuorum { contains(agreeing, $0) }
                #expect(found == naiveQuorum(voters: all, outgoing: 0, agreeing: agreeing))
            }
        }
    }

    @Test("P18: a joint quorum is a majority of both, for every pair of configurations of five nodes and every answer")
    func jointQuorums() {
        for voters in 1...31 {
            for outgoing in 1...31 {
                let membership = Membership(voters: nodes(voters), outgoing: nodes(outgoing))
                var wrong = 0
                for agreeing in 0...31 {
                    let found = membership.isQuorum { contains(agreeing, $0) }
                    if found != naiveQuorum(voters: voters, outgoing: outgoing, agreeing: agreeing) { wrong += 1 }
                }
                #expect(wrong == 0, "voters \(nodes(voters)), outgoing \(nodes(outgoing))")
            }
        }
    }

    @Test("any two quorums of a configuration, and of a joint one with either half, share a voter")
    func quorumsOverlap() {
        for (voters, outgoing) in [
            (0b111, 0), (0b1111, 0), (0b1_1111, 0), (0b111_1111, 0), (0b0_0111, 0b1_1100), (0b1_1110, 0b1),
        ] {
            let joint = (0...127).filter { naiveQuorum(voters: voters, outgoing: outgoing, agreeing: $0) }
            let membership = Membership(voters: nodes(voters), outgoing: nodes(outgoing))
            #expect(joint == (0...127).filter { mask in membership.isQuorum { contains(mask, $0) } })
            for half in [voters, outgoing] where half != 0 {
                let quorums = (0...127).filter { naiveQuorum(voters: half, outgoing: 0, agreeing: $0) }
                #expect(joint.allSatisfy { one in quorums.allSatisfy { one & $0 != 0 } })
            }
        }
    }

    @Test("the quorum value is the greatest that a quorum has reached", arguments: 1...7)
    func quorumValues(count: Int) {
        let levels = count <= 5 ? 4 : 3
        let all = (1 << count) - 1
        let outgoing = count > 2 ? all & 0b11_1110 : 0
        for membership in [Membership(voters: nodes(all)), Membership(voters: nodes(all), outgoing: nodes(outgoing))] {
            var values = Array(repeating: 0, count: count)
            var wrong = 0
            repeat {
                let found = membership.quorumValue { values[Int($0.rawValue) - 1] }
                let naive = (0..<levels).last { level in
                    membership.isQuorum { values[Int($0.rawValue) - 1] >= level }
                }
                if found != naive { wrong += 1 }
            } while increment(&values, below: levels)
            #expect(wrong == 0, "\(membership)")
        }
    }

    /// The next combination; false after the last.
    private func increment(_ digits: inout [Int], below base: Int) -> Bool {
        for place in digits.indices {
            digits[place] += 1
            if digits[place] < base { return true }
            digits[place] = 0
        }
        return false
    }

    @Test("nobody is a quorum of no voters")
    func empty() {
        #expect(!Membership.empty.isQuorum { _ in true })
        #expect(Membership.empty.quorumValue { _ in 1 } == nil)
    }

    @Test("learners are members, and neither vote nor count")
    func learners() {
        let membership = Membership(voters: [3, 1, 2, 2], joining: [4], gateways: [5])
        #expect(membership.members == [1, 2, 3, 4, 5])
        #expect(membership.voters == [1, 2, 3])
        #expect(!membership.isVoter(4) && !membership.isVoter(5))
        #expect(!membership.isQuorum { $0 == 1 || $0 == 4 || $0 == 5 })
    }
}
