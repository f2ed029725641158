import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Synchronization
import Testing

@testable import Orchestration

/// Members come, go and take each other's place while the cluster works.
@Suite("Changes of the members", .serialized)
struct MemberChangeTests {
    @Test("a cluster grows from three to five, replaces one and shrinks to three, and every task ends")
    func growAndShrink() async throws {
        var options = Nodes.Options()
        options.founders = 3
        try await Nodes.run(6, options: options) { nodes in
            let (first, load) = (nodes.members[0], Load(nodes))
            try await nodes.founded()
            for id: UInt64 in [4, 5] {
                try await nodes.start(try nodes.member(NodeID(id)))
                try await nodes.change(
                    .memberAdded(
                        .with {
                            $0.nodeID = id; $0.roleCode = .voter
                        }))
            }
            try await nodes.agree(voters: [1, 2, 3, 4, 5])
            try await eventually("the newcomers are ready") {
                nodes.members[3...4].allSatisfy { $0.cluster.status?.unreadyReason == nil }
            }
            try await nodes.start(nodes.members[5])
            try await nodes.change(
                .memberReplaced(
                    .with {
                        $0.nodeID = 2
                        $0.replacement = .with {
                            $0.nodeID = 6; $0.roleCode = .voter
                        }
                    }))
            try await nodes.agree(voters: [1, 3, 4, 5, 6])
            try await eventually("who was replaced knows") { nodes.members[1].exclusionReason != nil }
            try await nodes.change(.membersRemoved(.with { $0.nodeIds = [4, 5] }))
            try await nodes.agree(voters: [1, 3, 6])
            #expect(try await load.finish() > 0)
            #expect(first.cluster.state.members.map(\.id) == [NodeID(1), NodeID(3), NodeID(6)])
            #expect(first.cluster.state.nodes.map(\.id) == [NodeID(1), NodeID(3), NodeID(6)])
        }
    }

    @Test("a leader that is removed hands over, learns that it is out, and stays out")
    func removedLeader() async throws {
        try await Nodes.run(3) { nodes in
            try await nodes.founded()
            let leader = try await nodes.leader()
            let rest = nodes.others(than: leader)
            try await nodes.change(.membersRemoved(.with { $0.nodeIds = [leader.id.rawValue] }), at: rest[0])
            try await eventually("it knows") { leader.exclusionReason?.contains("was removed") == true }
            try await nodes.agree(voters: rest.map(\.id.rawValue), at: rest[0])
            let term = rest[0].cluster.status?.standing.term
            await leader.stop()
            try await nodes.start(leader)
            try await eventually("it is told again") { leader.exclusionReason?.contains("was removed") == true }
            try await nodes.end(of: try await nodes.submit([("one", [])], at: rest[0]), at: rest[0])
            #expect(rest[0].cluster.status?.standing.term == term, "it disturbs nobody")
        }
    }

    @Test("a member that dies while it leaves, and is back before anybody has noticed, leaves all the same")
    func diesWhileLeaving() async throws {
        var options = Nodes.Options()
        // Nobody would notice by silence in the time of this test.
        options.limits.detectionMilliseconds = 600_000
        try await Nodes.run(3, options: options) { nodes in
            try await nodes.founded()
            let victim = try await nodes.follower()
            let rest = nodes.others(than: victim)
            try await nodes.connect(victim, .silent)
            await victim.stop()
            try await nodes.change(.membersRemoved(.with { $0.nodeIds = [victim.id.rawValue] }), at: rest[0])
            #expect(rest[0].cluster.state.leavingMembers == [victim.id])
            try await nodes.start(victim)
            try await nodes.agree(voters: rest.map(\.id.rawValue), at: rest[0])
            try await eventually("it knows") { victim.exclusionReason?.contains("was removed") == true }
        }
    }

    @Test("a wiped member is refused until its new folder is accepted, and then votes again")
    func wiped() async throws {
        try await Nodes.run(3) { nodes in
            try await nodes.founded()
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            try await eventually("its folder is known") {
                witness.cluster.state.member(victim.id)?.record.incarnation
                    == victim.cluster.identity.incarnation.rawValue
            }
            let old = victim.cluster.identity.incarnation
            await victim.stop()
            try victim.wipe(in: nodes.folder)
            try await nodes.start(victim)
            let new = victim.cluster.identity.incarnation
            try await eventually("it is refused") { !victim.cluster.refusals.isEmpty }
            #expect(victim.cluster.state.index == .zero)
            try await nodes.change(
                .memberReincarnated(
                    .with {
                        $0.nodeID = victim.id.rawValue
                        $0.oldIncarnation = old.rawValue
                        $0.newIncarnation = new.rawValue
                    }), at: witness)
            try await nodes.agree(voters: [1, 2, 3], at: witness)
            try await eventually("it is ready") { victim.cluster.status?.unreadyReason == nil }
            try await nodes.makeLeader(victim)
            try await nodes.end(of: try await nodes.submit([("one", [])], at: victim), at: victim)
        }
    }

    @Test("when a majority is lost for good a survivor goes on alone with all that it had, and the lost ones stay out")
    func quorumLost() async throws {
        try await Nodes.run(3) { nodes in
            try await nodes.founded()
            let survivor = nodes.members[2]
            let waiting = try await nodes.submit([("one", [])], at: survivor) { $0.autoExecute = false }
            let session = survivor.cluster.state.revision
            for member in nodes.members { try await nodes.kill(member) }
            let report = try await nodes.recoverQuorum(survivor)
            #expect(report.membership.voters == nodes.members.map(\.id))
            try await nodes.start(survivor)
            _ = try await nodes.leader(among: [survivor])
            let state = survivor.cluster.state
            #expect(state.generation == 2 && state.revision > session)
            try await nodes.agree(voters: [3], at: survivor)
            try await eventually("the others' records are gone") { survivor.cluster.state.nodes.count == 1 }
            #expect(survivor.cluster.state.task(waiting) != nil)
            try await nodes.end(of: try await nodes.submit([("two", [])], at: survivor), at: survivor)
            let lost = nodes.members[0]
            try await nodes.start(lost)
            try await eventually("it is told") { !lost.cluster.refusals.isEmpty }
            try await nodes.kill(lost)
            try lost.wipe(in: nodes.folder)
            try await nodes.start(lost)
            try await nodes.change(
                .memberAdded(
                    .with {
                        $0.nodeID = lost.id.rawValue; $0.roleCode = .gateway
                    }), at: survivor)
            try await eventually("with a new folder it is welcome") { lost.cluster.status?.unreadyReason == nil }
        }
    }

    @Test("a gateway serves and executes, and never votes")
    func gateway() async throws {
        var options = Nodes.Options()
        options.founders = 1
        try await Nodes.run(2, options: options) { nodes in
            try await nodes.founded()
            let gateway = nodes.members[1]
            try await nodes.start(gateway)
            try await nodes.change(
                .memberAdded(
                    .with {
                        $0.nodeID = 2; $0.roleCode = .gateway
                    }))
            try await eventually("it is ready") { gateway.cluster.status?.unreadyReason == nil }
            nodes.script.hold("held")
            for _ in 1...2 { _ = try await nodes.submit([("held", [])], at: gateway) }
            try await eventually("both nodes run one") { nodes.script.runs(of: "held").count == 2 }
            #expect(Set(nodes.script.runs(of: "held").map(\.node)) == [NodeID(1), NodeID(2)])
            nodes.script.release("held")
            #expect(gateway.cluster.status?.server.membership == Membership(voters: [NodeID(1)], gateways: [NodeID(2)]))
        }
    }

    @Test("leadership goes where any node asks for it")
    func transfer() async throws {
        try await Nodes.run(3) { nodes in
            let leader = try await nodes.leader()
            let others = nodes.others(than: leader)
            #expect(await others[0].cluster.transferLeadership(to: others[1].id))
            try await eventually("it leads") { others[1].cluster.status?.isLeader == true }
            #expect(await others[1].cluster.transferLeadership(to: nil))
            try await eventually("it leads no more") { others[1].cluster.status?.isLeader == false }
        }
    }

    @Test("who has had leadership transferred sees at once who leads")
    func transferIsSeen() async throws {
        try await Nodes.run(3) { nodes in
            for round in 0..<30 {
                let asked = nodes.members[round % 3].cluster
                // One that is asked while it follows nobody refuses.
                try await eventually("it knows the leader") {
                    let leader = nodes.members.first { $0.id == asked.status?.standing.leader }
                    return leader?.cluster.status?.isLeader == true
                }
                let before = asked.status?.standing.leader
                guard await asked.transferLeadership(to: nil) else { continue }
                let leader = asked.status?.standing.leader
                #expect(leader != nil && leader != before)
            }
        }
    }

    @Test("a node that is asked to drain gets nothing new until that is taken back")
    func drain() async throws {
        try await Nodes.run(3) { nodes in
            try await nodes.founded()
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            func drain(_ isOn: Bool) async throws {
                try await nodes.change(
                    .nodeDrainRequested(
                        .with {
                            $0.nodeID = victim.id.rawValue; $0.isOn = isOn
                        }), at: witness)
            }
            try await drain(true)
            try await eventually("it is suspended") { witness.cluster.state.node(victim.id)?.status == .suspended }
            try await drain(false)
            try await eventually("it is back") { witness.cluster.state.node(victim.id)?.status == .available }
        }
    }
}

/// Tasks, one after the other, for as long as a test goes on.
private struct Load {
    private let flag = Flag()
    private let running: Task<Int, any Error>

    init(_ nodes: Nodes) {
        let over = flag
        running = Task {
            var count = 0
            while !over.isSet {
                let key = try await nodes.submit([("step", [])])
                let task = try await nodes.end(of: key)
                guard task.status == .completed else { throw NeverHappened(what: "task \(key.id) completes") }
                count += 1
            }
            return count
        }
    }

    func finish() async throws -> Int {
        flag.set()
        return try await running.value
    }
}

private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

extension Nodes {
    /// The table of members begins.
    func founded() async throws {
        let member = founders[0]
        try await eventually("the members are in the state") {
            member.cluster.state.members.count == founders.count
        }
    }

    /// Proposes until no other change is in the way.
    func change(_ body: Command.OneOf_Body, at member: Member? = nil) async throws {
        let cluster = (member ?? members[0]).cluster
        try await eventually("the change is taken") {
            switch try await cluster.propose(body) {
            case .done: return true
            case .rejected(.changeInFlight): return false
            case let outcome: throw Refused(outcome: outcome)
            }
        }
    }

    func agree(voters: [UInt64], at member: Member? = nil) async throws {
        let cluster = (member ?? members[0]).cluster
        let wanted = Membership(voters: voters.map { NodeID($0) })
        try await eventually("the voters are \(voters)") {
            cluster.status?.server.membership == wanted && cluster.state.members.map(\.id) == wanted.members
                && cluster.state.members.allSatisfy(\.isSettled)
        }
    }
}
