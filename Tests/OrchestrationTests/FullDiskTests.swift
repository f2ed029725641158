import ClusterState
import DiskFaults
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Testing

@testable import Orchestration

/// Members whose logs have no room, or whose disks do not answer (`design/state.md` 13, 15).
@Suite("Full disks", .serialized)
struct FullDiskTests {
    private static func run(
        _ body: (Nodes, [NodeID: FullDisk]) async throws -> Void
    ) async throws {
        var options = Nodes.Options()
        options.disks = Dictionary(uniqueKeysWithValues: (1...3).map { (NodeID($0), FullDisk()) })
        try await Nodes.run(3, options: options) { try await body($0, options.disks) }
    }

    /// Submits tasks until these nodes have noticed that their disks are full.
    private static func use(_ nodes: Nodes, at asked: Member, until members: [Member]) async throws {
        for _ in 0..<100 {
            if members.allSatisfy({ $0.cluster.status?.server.logTrouble == .full }) { return }
            var random = SystemRandomNumberGenerator()
            let noise = (0..<50_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            do {
                _ = try await nodes.submit([("step", [])], at: asked) {
                    $0.autoExecute = false
                    $0.parameters = Payload(bytes: noise)
                }
            } catch RequestError.diskFull {
                // Enough of them are full.
            }
        }
        Issue.record("the disks are never noticed to be full")
    }

    @Test("a leader whose disk is full hands over and takes no tasks; it serves on, and comes back when there is room")
    func oneIsFull() async throws {
        try await Self.run { nodes, disks in
            let full = nodes.members[0]
            try await nodes.makeLeader(full)
            disks[full.id]?.fill()
            try await Self.use(nodes, at: full, until: [full])
            let leader = try await nodes.leader(among: nodes.others(than: full))
            try await eventually("every node knows") {
                nodes.members.allSatisfy { $0.cluster.state.node(full.id)?.hasDiskTrouble == true }
            }
            for member in nodes.members {
                let key = try await nodes.submit([("step", [])], at: member)
                #expect(try await nodes.end(of: key, at: member).record.nodeID != full.id.rawValue)
                _ = try await member.cluster.read(.strong)
            }
            disks[full.id]?.empty()
            try await eventually("it takes tasks again") {
                full.cluster.status?.server.logTrouble == nil
                    && leader.cluster.state.node(full.id)?.status == .available
            }
            try await nodes.makeLeader(full)
        }
    }

    @Test(
        "while a quorum has no room nothing new is accepted, what runs is finished, and all goes on by itself afterwards"
    )
    func quorumIsFull() async throws {
        try await Self.run { nodes, disks in
            nodes.script.hold("long")
            let running = try await nodes.submit([("long", []), ("after", [0])])
            let full = [nodes.members[0], nodes.members[1]]
            for member in full { disks[member.id]?.fill() }
            try await Self.use(nodes, at: nodes.members[2], until: full)
            try await eventually("nobody accepts anything") {
                nodes.members.allSatisfy { !$0.cluster.hasRoomForWork }
            }
            for member in nodes.members {
                await #expect(throws: RequestError.diskFull) {
                    try await nodes.submit([("step", [])], at: member)
                }
            }
            nodes.script.release("long")
            #expect(try await nodes.end(of: running, at: nodes.members[2]).status == .completed)
            for disk in disks.values { disk.empty() }
            try await eventually("everybody accepts again") {
                nodes.members.allSatisfy { $0.cluster.hasRoomForWork }
            }
            let key = try await nodes.submit([("step", [])])
            try await nodes.end(of: key)
        }
    }

    @Test("a node whose disk does not answer gets no tasks, and nobody is refused on its account")
    func oneStandsStill() async throws {
        try await Self.run { nodes, disks in
            let still = try await nodes.follower()
            let witness = nodes.others(than: still)[0]
            disks[still.id]?.standStill()
            defer { disks[still.id]?.goOn() }
            // A disk that is asked nothing owes no answer.
            _ = try await nodes.submit([("step", [])], at: witness) { $0.autoExecute = false }
            try await eventually("the others know") { witness.cluster.state.node(still.id)?.status == .suspended }
            for _ in nodes.members {
                let key = try await nodes.submit([("during", [])], at: witness)
                #expect(try await nodes.end(of: key, at: witness).record.nodeID != still.id.rawValue)
            }
            #expect(nodes.members.allSatisfy { $0.cluster.hasRoomForWork })
            disks[still.id]?.goOn()
            try await eventually("it takes tasks again") {
                witness.cluster.state.node(still.id)?.status == .available
            }
        }
    }
}
