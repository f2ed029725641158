import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Synchronization
import Testing

@testable import Orchestration

/// Nodes that come and go in order, and what the others hear of a running task.
@Suite("Membership and progress", .serialized)
struct MembershipTests {
    @Test("a node that drains gets nothing new, ends what it has, and does not come back by itself")
    func drain() async throws {
        try await Nodes.run(3) { nodes in
            nodes.script.hold("long")
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            var mine: TaskKey?
            for _ in nodes.members {
                let key = try await nodes.submit([("long", []), ("after", [0])], at: witness)
                if witness.cluster.state.task(key)?.assignment?.node == victim.id { mine = key }
            }
            let key = try #require(mine)
            victim.cluster.drain()
            #expect(victim.cluster.status?.unreadyReason == "the node is draining")
            try await eventually("the cluster knows") { witness.cluster.state.node(victim.id)?.status == .suspended }
            for _ in 1...3 {
                let other = try await nodes.submit([("short", [])], at: witness)
                try await nodes.end(of: other, at: witness)
            }
            #expect(nodes.script.runs(of: "short").allSatisfy { $0.node != victim.id })
            nodes.script.release("long")
            let task = try await nodes.end(of: key, at: witness)
            #expect(task.record.nodeID == victim.id.rawValue, "what it had it has ended itself")
            #expect(witness.cluster.state.node(victim.id)?.status == .suspended)
        }
    }

    @Test("a node that starts counts no wiped folder as a member, though nothing of its log is applied yet")
    func wipedFolder() async throws {
        try await Nodes.run(3) { nodes in
            let leader = try await nodes.leader()
            let (absent, wiped) = (nodes.others(than: leader)[0], nodes.others(than: leader)[1])
            try await nodes.kill(absent)
            let key = try await nodes.submit([("short", [])], at: leader) { $0.autoExecute = false }
            try await nodes.kill(leader)
            try await nodes.kill(wiped)
            try FileManager.default.removeItem(at: nodes.folder.appendingPathComponent("n\(wiped.id)"))
            // These two would be a majority, and neither has the task.
            try await nodes.start(absent)
            try await nodes.start(wiped)
            try await eventually("the wiped folder is refused") {
                absent.cluster.server.links.contains { link in
                    guard link.node == wiped.id, case .down(.handshake(let failure)?) = link.state else { return false }
                    switch failure {
                    case .refusedHere(let refusal): return refusal.reason == .otherIncarnation
                    case .refusedByPeer, .tls, .silent, .closed: return false
                    }
                }
            }
            #expect(absent.cluster.status?.server.standing.leader == nil)
            try await nodes.start(leader)
            _ = try await nodes.leader(among: [absent, leader])
            try await eventually("the task is there") {
                [absent, leader].allSatisfy { $0.cluster.state.task(key) != nil }
            }
        }
    }

    @Test("a node that stops says goodbye: what it still had moves at once and is no suspect")
    func goodbye() async throws {
        var options = Nodes.Options()
        // Nobody would notice by silence in the time of this test.
        options.limits.detectionMilliseconds = 600_000
        options.limits.leaveMilliseconds = 20_000
        try await Nodes.run(3, options: options) { nodes in
            nodes.script.hold("long")
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            var mine: TaskKey?
            for _ in nodes.members {
                let key = try await nodes.submit([("first", []), ("long", [0])], at: witness)
                if witness.cluster.state.task(key)?.assignment?.node == victim.id { mine = key }
            }
            let key = try #require(mine)
            try await eventually("all run") { nodes.script.runs(of: "long").count == 3 }
            victim.cluster.drain()
            await victim.stop()
            try await eventually("its goodbye is applied here too") {
                witness.cluster.state.node(victim.id)?.status == .left
            }
            nodes.script.release("long")
            let task = try await nodes.end(of: key, at: witness)
            #expect(task.status == .completed)
            #expect(task.record.nodeDeaths == 0 && !task.record.suspect)
            #expect(nodes.script.runs(of: "first").count == 3)
        }
    }

    @Test("a node that is taken for dead by mistake becomes a member again")
    func comesBack() async throws {
        try await Nodes.run(3) { nodes in
            let victim = try await nodes.follower()
            let leader = try await nodes.leader()
            try await nodes.connect(victim, .silent)
            try await eventually("it is taken for dead") { leader.cluster.state.node(victim.id)?.status == .left }
            try await nodes.connect(victim, .open)
            try await eventually("it is back") { leader.cluster.state.node(victim.id)?.status == .available }
            #expect(leader.cluster.state.node(victim.id)?.record.bootID == victim.cluster.identity.boot.rawValue)
        }
    }

    @Test("how far a task is reaches those who listen on another node")
    func progress() async throws {
        try await Nodes.run(3) { nodes in
            nodes.script.hold("long")
            let ticks = Mutex<[(from: NodeID, tick: ProgressReporter.Tick)]>([])
            for member in nodes.members {
                member.cluster.subscribe(.taskProgress) { node, bytes in
                    guard member.id == NodeID(1),
                        let tick = try? JSONDecoder().decode(ProgressReporter.Tick.self, from: Data(bytes))
                    else { return }
                    ticks.withLock { $0.append((node, tick)) }
                }
            }
            var keys: [TaskKey] = []
            for _ in nodes.members { keys.append(try await nodes.submit([("long", []), ("after", [0])])) }
            try await eventually("every node has told node 1") {
                Set(ticks.withLock { $0.map(\.from) }) == Set(nodes.members.map(\.id))
            }
            for (from, tick) in ticks.withLock({ $0 }) {
                let key = try #require(keys.first { $0.id == tick.taskID })
                #expect(nodes.members[0].cluster.state.task(key)?.assignment?.node == from)
                #expect(tick.node == "n\(from)" && tick.agent == "scripted" && tick.step == "play")
                #expect((0...99).contains(tick.percent))
            }
            nodes.script.release("long")
            for key in keys { try await nodes.end(of: key) }
        }
    }

    @Test("who waits for a task on another node is answered when it ends, at the deadline, or when it gives up")
    func waiting() async throws {
        try await Nodes.run(3) { nodes in
            nodes.script.hold("long")
            let key = try await nodes.submit([("long", [])])
            let elsewhere = try #require(
                nodes.members.first { $0.id != nodes.members[0].cluster.state.task(key)?.assignment?.node })
            _ = try await elsewhere.cluster.read(.strong)
            let isOver: @Sendable (TaskView?) -> Bool = { $0?.status.isTerminal == true }
            for milliseconds: UInt64 in [0, 1, 50] {
                let state = await elsewhere.cluster.waitForTask(key, milliseconds: milliseconds, until: isOver)
                #expect(state.task(key)?.status.isTerminal == false)
            }
            let impatient = Task { await elsewhere.cluster.waitForTask(key, milliseconds: 600_000, until: isOver) }
            impatient.cancel()
            #expect(await impatient.value.task(key)?.status.isTerminal == false)
            let patient = Task { await elsewhere.cluster.waitForTask(key, milliseconds: 600_000, until: isOver) }
            nodes.script.release("long")
            #expect(await patient.value.task(key)?.status == .completed)
            let late = await elsewhere.cluster.waitForTask(key, milliseconds: 600_000, until: isOver)
            #expect(late.task(key)?.status == .completed)
        }
    }
}
