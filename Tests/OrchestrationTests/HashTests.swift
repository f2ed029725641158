import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Testing

@testable import Orchestration

/// Whether the members agree, as a value.
@Suite("Hash exchange")
struct HashExchangeTests {
    private let voters = Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
    private func hash(_ byte: UInt8) -> StateHash { StateHash(bytes: [UInt8](repeating: byte, count: 32)[...])! }

    private func report(_ index: UInt64, _ byte: UInt8) -> HashExchange.Report {
        .init(machineVersion: 1, index: LogIndex(index), hash: hash(byte))
    }

    @Test("a report survives its encoding, and nothing else is one")
    func coding() {
        let report = report(513, 7)
        #expect(HashExchange.Report(decoding: report.encoded()) == report)
        #expect(HashExchange.Report(decoding: Array(report.encoded().dropLast())) == nil)
        #expect(HashExchange.Report(decoding: report.encoded() + [0]) == nil)
    }

    @Test("equal hashes are agreement, and what a quorum shares is confirmed")
    func agreement() {
        var exchange = HashExchange()
        let own: (LogIndex) -> StateHash? = { _ in self.hash(1) }
        #expect(exchange.confirmed(own: NodeID(1), applied: LogIndex(300), voters: voters) == .zero)
        #expect(exchange.receive(report(256, 1), from: NodeID(2), own: own, voters: voters) == .agreed)
        #expect(exchange.confirmed(own: NodeID(1), applied: LogIndex(300), voters: voters) == LogIndex(256))
        #expect(exchange.receive(report(290, 1), from: NodeID(3), own: own, voters: voters) == .agreed)
        #expect(exchange.confirmed(own: NodeID(1), applied: LogIndex(300), voters: voters) == LogIndex(290))
        // An older report that comes late takes nothing back.
        #expect(exchange.receive(report(256, 1), from: NodeID(3), own: own, voters: voters) == .agreed)
        #expect(exchange.confirmed(own: NodeID(1), applied: LogIndex(300), voters: voters) == LogIndex(290))
    }

    @Test("who is alone with its value is contradicted; who shares it with a quorum is not")
    func contradiction() {
        var wrong = HashExchange()
        let mine: (LogIndex) -> StateHash? = { _ in self.hash(9) }
        #expect(wrong.receive(report(5, 1), from: NodeID(2), own: mine, voters: voters) == .agreed, "one against one")
        #expect(wrong.receive(report(5, 1), from: NodeID(3), own: mine, voters: voters) == .contradicted(LogIndex(5)))
        var right = HashExchange()
        let ours: (LogIndex) -> StateHash? = { _ in self.hash(1) }
        #expect(right.receive(report(5, 9), from: NodeID(3), own: ours, voters: voters) == .agreed)
        #expect(right.receive(report(5, 1), from: NodeID(2), own: ours, voters: voters) == .agreed)
        #expect(right.confirmed(own: NodeID(1), applied: LogIndex(9), voters: voters) == LogIndex(5))
    }

    @Test("values at different indices do not contradict each other")
    func indices() {
        var exchange = HashExchange()
        let own: (LogIndex) -> StateHash? = { $0 <= LogIndex(7) ? self.hash(UInt8($0.rawValue)) : nil }
        #expect(exchange.receive(report(6, 6), from: NodeID(2), own: own, voters: voters) == .agreed)
        #expect(exchange.receive(report(7, 7), from: NodeID(3), own: own, voters: voters) == .agreed)
        #expect(
            exchange.receive(report(8, 0), from: NodeID(3), own: own, voters: voters) == .agreed, "not yet applied here"
        )
        #expect(exchange.confirmed(own: NodeID(1), applied: LogIndex(7), voters: voters) == LogIndex(7))
    }

    @Test("three different values leave nobody in the right")
    func undecidable() {
        var exchange = HashExchange()
        let own: (LogIndex) -> StateHash? = { _ in self.hash(1) }
        #expect(exchange.receive(report(5, 2), from: NodeID(2), own: own, voters: voters) == .agreed)
        #expect(exchange.receive(report(5, 3), from: NodeID(3), own: own, voters: voters) == .undecidable(LogIndex(5)))
    }

    @Test("a node remembers its last hashes, past the ring's end and after a snapshot")
    func history() {
        let history = HashHistory()
        #expect(history.hash(at: LogIndex(1)) == nil)
        var state = ClusterState()
        var first: StateHash?
        for index in 1...UInt64(HashHistory.capacity + 10) {
            let applied = state.applyInternal(index: LogIndex(index), term: Term(1))
            if index == 11 { first = applied.hash }
            history.append([applied])
        }
        #expect(history.hash(at: LogIndex(10)) == nil)
        #expect(history.hash(at: LogIndex(11)) == first)
        #expect(history.hash(at: state.index) == state.hash)
        #expect(history.hash(at: state.index.next) == nil)
        history.restart(at: LogIndex(1_000_000), hash(4))
        #expect(history.hash(at: state.index) == nil)
        #expect(history.hash(at: LogIndex(1_000_000)) == hash(4))
    }
}

/// Nodes whose machines are not the same.
@Suite("Quarantine", .serialized)
struct QuarantineTests {
    /// A machine that takes no title this long: whatever made it so, its state becomes another one.
    private var strict: ClusterState {
        var limits = ClusterState.strictLimits
        limits.titleBytes = 10
        return ClusterState(limits: limits)
    }

    private func submitLongTitle(_ nodes: Nodes, at member: Member) async throws -> TaskKey {
        try await nodes.submit([("step", [])], at: member) { $0.title = "longer than ten bytes" }
    }

    @Test("as long as all agree, every node knows that a quorum has what it has")
    func agreement() async throws {
        try await Nodes.run(3) { nodes in
            let key = try await nodes.submit([("step", [])])
            try await nodes.end(of: key)
            try await eventually("everything is confirmed everywhere") {
                nodes.members.allSatisfy { $0.cluster.confirmedIndex == $0.cluster.state.index }
            }
            #expect(nodes.members.allSatisfy { $0.cluster.halted == nil })
        }
    }

    @Test(
        "a node that a quorum contradicts takes itself out, and the others go on without it", arguments: [true, false])
    func contradicted(_ isLeader: Bool) async throws {
        var options = Nodes.Options()
        options.initialStates[NodeID(3)] = strict
        try await Nodes.run(3, options: options) { nodes in
            let odd = nodes.members[2]
            if isLeader { try await nodes.makeLeader(odd) } else { try await nodes.makeLeader(nodes.members[0]) }
            let key = try await submitLongTitle(nodes, at: nodes.members[0])
            try await eventually("the odd one is out") { odd.cluster.halted != nil }
            #expect(odd.cluster.status?.unreadyReason?.contains("another state") == true)
            #expect(odd.cluster.status?.isLeader == false)
            #expect(odd.cluster.isFenced)
            #expect(await odd.refusesProposals())
            #expect(try await nodes.end(of: key, at: nodes.members[0]).status == .completed)
            let leader = try await nodes.leader(among: [nodes.members[0], nodes.members[1]])
            try await eventually("it is missed") { leader.cluster.state.node(odd.id)?.status == .left }
            let next = try await submitLongTitle(nodes, at: nodes.members[1])
            #expect(try await nodes.end(of: next, at: nodes.members[1]).status == .completed)
        }
    }

    @Test("a node that skips an entry which the others could apply is found out")
    func skipsAlone() async throws {
        try await Nodes.run(3) { nodes in
            let key = try await nodes.submit([("step", [])])
            let entry = try await nodes.end(of: key).createdRevision.index
            let odd = nodes.members[2]
            await odd.stop()
            let crash = "crashed \(entry) \(entry)\n"
            let folder = nodes.folder.appendingPathComponent("n\(odd.id)")
            try Data((crash + crash + crash).utf8).write(to: folder.appendingPathComponent("crashes"))
            try Rescue.skip(entry, folder: folder.path)
            try await nodes.start(odd)
            try await eventually("the odd one is out") { odd.cluster.halted != nil }
            #expect(odd.cluster.status?.unreadyReason?.contains("another state") == true)
            // The same request may stand in the log again, of a node that waited long for its answer.
            #expect(odd.cluster.state.task(key)?.createdRevision.index != entry)
            let next = try await nodes.submit([("step", [])])
            #expect(try await nodes.end(of: next).status == .completed)
        }
    }

    @Test("where no majority agrees everybody stops writing")
    func undecidable() async throws {
        var options = Nodes.Options()
        options.initialStates[NodeID(2)] = strict
        var limits = ClusterState.strictLimits
        limits.assignmentsPerEntry = 0
        options.initialStates[NodeID(3)] = ClusterState(limits: limits)
        options.executes = false
        try await Nodes.run(3, options: options) { nodes in
            // The first takes the task and assigns it, the second refuses it, the third takes it and lets it wait.
            try await nodes.makeLeader(nodes.members[0])
            _ = try? await submitLongTitle(nodes, at: nodes.members[0])
            try await eventually("all have stopped") { nodes.members.allSatisfy { $0.cluster.halted != nil } }
            for member in nodes.members {
                #expect(await member.refusesProposals())
                _ = try await member.cluster.read(.stale)
            }
        }
    }
}
