import Raft
import Testing

@testable import Orchestration
@testable import RaftServer

/// Since when a node is alone.
@Suite("Leader contact")
struct LeaderContactTests {
    private func status(
        _ role: Standing.Role, silence: UInt64? = nil, peers: [UInt64] = [], halted: Bool = false
    ) -> ServerStatus {
        ServerStatus(
            id: NodeID(1), standing: Standing(role: role, term: Term(3), leader: nil),
            membership: Membership(voters: [NodeID(1), NodeID(2), NodeID(3)]), lastIndex: .zero, firstIndex: .zero,
            commitIndex: .zero, durableIndex: .zero, appliedIndex: .zero, snapshotIndex: .zero,
            peers: peers.enumerated().map { place, silence in
                .init(id: NodeID(UInt64(place + 2)), match: .zero, isReachable: true, millisecondsSinceContact: silence)
            },
            millisecondsSinceLeaderContact: silence, clusterTimeMicroseconds: 0, hasLostMajority: false,
            halted: halted ? StateMachineHalt(reason: "test") : nil)
    }

    private let now = ContinuousClock.now

    @Test("an election is no loss of contact: silence counts from the last word of a leader")
    func election() {
        let contact = LeaderContact()
        #expect(contact.silence(at: now) == nil)
        contact.observe(status(.follower, silence: 100), at: now)
        #expect(contact.silence(at: now) == .milliseconds(100))
        contact.observe(status(.candidate), at: now + .milliseconds(500))
        #expect(contact.silence(at: now + .milliseconds(500)) == .milliseconds(600))
        contact.observe(status(.follower, silence: 0), at: now + .milliseconds(700))
        #expect(contact.silence(at: now + .milliseconds(700)) == .zero)
    }

    @Test("a leader counts from the last moment in which a quorum answered, itself included")
    func leader() {
        let contact = LeaderContact()
        contact.observe(status(.leader, silence: 0, peers: [2_000, 300]), at: now)
        #expect(contact.silence(at: now) == .milliseconds(300))
        contact.observe(status(.leader, silence: 0, peers: [3_000, 1_300]), at: now + .seconds(1))
        #expect(contact.silence(at: now + .seconds(1)) == .milliseconds(1_300))
    }

    @Test("a node that was taken out of the cluster's work has no contact, whatever it hears")
    func halted() {
        let contact = LeaderContact()
        contact.observe(status(.follower, silence: 0, halted: true), at: now)
        #expect(contact.silence(at: now) == nil)
    }
}
