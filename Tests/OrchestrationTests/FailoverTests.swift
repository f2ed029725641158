import Agents
import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Synchronization
import Testing

@testable import Orchestration

/// Three nodes, of which one is lost.
@Suite("Failover", .serialized)
struct FailoverTests {
    /// A task of two steps on each node; the second step is running everywhere.
    private func oneTaskEach(_ nodes: Nodes) async throws -> [NodeID: TaskKey] {
        nodes.script.hold("second")
        var tasks: [NodeID: TaskKey] = [:]
        for _ in nodes.members {
            let key = try await nodes.submit([("first", []), ("second", [0])])
            tasks[try #require(nodes.members[0].cluster.state.task(key)?.assignment).node] = key
        }
        #expect(tasks.count == nodes.members.count, "the node with the most free slots is chosen")
        try await eventually("every second step runs") {
            nodes.script.runs(of: "second").count { $0.end == .running } == nodes.members.count
        }
        return tasks
    }

    /// What ran where, and what each living node believes of the tasks.
    private func described(_ nodes: Nodes, _ tasks: [NodeID: TaskKey], _ victim: Member) -> String {
        let views = nodes.others(than: victim).map { member in
            let state = member.cluster.state
            let views = tasks.values.map { key in
                let steps = state.steps(of: key).map { "\($0.status?.name ?? "?") \($0.record?.epoch ?? 0)" }
                let task = state.task(key)
                let place = task?.assignment.map { "\($0.node) \($0.epoch)" } ?? "none"
                return "\(key.id) \(task?.status.name ?? "gone") on \(place): \(steps)"
            }
            let nodes = state.nodes.map { "\($0.id) \($0.status)" }
            return "\(member.id)\(member.cluster.isFenced ? " fenced" : "") at \(state.index): \(nodes) \(views)"
        }
        return "\(nodes.script.runs) without \(victim.id); \(views)"
    }

    @Test("a task whose node dies goes on elsewhere after its last checkpoint", arguments: [true, false])
    func resumes(_ isLeader: Bool) async throws {
        try await Nodes.run(3) { nodes in
            let tasks = try await oneTaskEach(nodes)
            let victim = try await isLeader ? nodes.leader() : nodes.follower()
            let witness = nodes.others(than: victim)[0]
            let key = try #require(tasks[victim.id])
            let before = try #require(witness.cluster.state.task(key)?.assignment)
            try await nodes.kill(victim)
            try await eventually("the task is on another node") {
                guard let now = witness.cluster.state.task(key)?.assignment else { return false }
                return now.node != victim.id && now.epoch > before.epoch
            }
            try await eventually("its second step runs again", found: { described(nodes, tasks, victim) }) {
                nodes.script.runs(of: "second").count { $0.end == .running } == 3
            }
            nodes.script.release("second")
            let task = try await nodes.end(of: key, at: witness)
            #expect(task.status == .completed)
            #expect(task.record.attempt == 2)
            #expect(nodes.script.runs(of: "first").count == 3, "a checkpoint is not run again")
            // One that was running may run more than once: a node that hears no leader for long lets go of it for a while.
            #expect(nodes.script.runs(of: "second").count >= 4)
            for other in tasks.values { #expect(try await nodes.end(of: other, at: witness).status == .completed) }
            // The living were not taken for dead by the new leader.
            for member in nodes.others(than: victim) {
                #expect(witness.cluster.state.node(member.id)?.status == .available)
            }
        }
    }

    @Test("what a replaced node still has to say about its task is refused, and what it cost is booked")
    func lateResult() async throws {
        var options = Nodes.Options()
        options.reasoner = PaidReasoner()
        try await Nodes.run(3, options: options) { nodes in
            let tasks = try await oneTaskEach(nodes)
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            let key = try #require(tasks[victim.id])
            let old = try #require(witness.cluster.state.task(key)?.assignment)
            try await nodes.connect(victim, .silent)
            // The step ends before the node knows that it is cut off: its result waits for a leader.
            nodes.script.release("second")
            try await eventually("the step has ended there") {
                nodes.script.runs(of: "second").contains { $0.node == victim.id && $0.end == .done }
            }
            let task = try await nodes.end(of: key, at: witness)
            #expect(task.status == .completed)
            #expect(witness.cluster.state.steps(of: key)[1].record?.nodeID != victim.id.rawValue)
            let cost = task.record.costMicroUsd
            let revision = task.revision
            try await nodes.connect(victim, .open)
            try await eventually("the late cost is booked") {
                witness.cluster.state.task(key)?.record.lateCostMicroUsd == PaidReasoner.cost
            }
            let after = try #require(witness.cluster.state.task(key))
            #expect(after.record.costMicroUsd == cost + UInt64(PaidReasoner.cost))
            #expect(after.status == .completed && after.revision > revision)
            let late = try await victim.cluster.propose(
                .stepCompleted(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = old.epoch.rawValue
                        $0.step = 1
                        $0.outcomeCode = .failed
                    }))
            guard case .rejected(.fenced(let current)) = late else {
                Issue.record("not fenced: \(late)")
                return
            }
            #expect(current > old.epoch)
        }
    }

    @Test("a node that is back before anybody missed it gives up what its last run had, in the same entry")
    func newBoot() async throws {
        var options = Nodes.Options()
        options.limits.detectionMilliseconds = 20_000
        options.limits.leaveMilliseconds = 0
        try await Nodes.run(3, options: options) { nodes in
            let tasks = try await oneTaskEach(nodes)
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            let key = try #require(tasks[victim.id])
            let old = try #require(witness.cluster.state.task(key)?.assignment)
            let seen = Mutex<[Applied]>([])
            let token = witness.cluster.observe { batch in seen.withLock { $0.append(contentsOf: batch.applied) } }
            try await nodes.connect(victim, .silent)
            await victim.stop()
            try await nodes.start(victim)
            try await eventually("the old run has nothing any more") {
                witness.cluster.state.task(key)?.assignment != old
            }
            nodes.script.release("second")
            #expect(try await nodes.end(of: key, at: witness).status == .completed)
            witness.cluster.remove(token)
            let entry = seen.withLock { $0 }.first { $0.assignments.contains(.released(key, old)) }
            #expect(
                entry?.events.contains { $0.kind == .memberChanged && $0.record.nodeID == victim.id.rawValue } == true)
            try await eventually("the new run is a member") {
                witness.cluster.state.node(victim.id)?.record.bootID == old.boot.rawValue + 1
            }
            for other in tasks.values { #expect(try await nodes.end(of: other, at: witness).status == .completed) }
        }
    }

    @Test("nodes without a leader stop what they run, and take it up again where nobody else has")
    func fence() async throws {
        try await Nodes.run(3) { nodes in
            let tasks = try await oneTaskEach(nodes)
            let before = nodes.members[0].cluster.state
            for member in nodes.members { try await nodes.connect(member, .silent) }
            try await eventually("every step is cancelled") {
                nodes.script.runs(of: "second").map(\.end) == [.cancelled, .cancelled, .cancelled]
            }
            #expect(nodes.members.allSatisfy { $0.cluster.isFenced })
            #expect(nodes.members.allSatisfy { $0.executor.runningCount == 1 }, "the tasks are still theirs")
            for member in nodes.members { try await nodes.connect(member, .open) }
            try await eventually("every step runs again") {
                nodes.script.runs(of: "second").count { $0.end == .running } == 3
            }
            nodes.script.release("second")
            for key in tasks.values {
                let task = try await nodes.end(of: key)
                #expect(task.status == .completed)
                #expect(task.record.epoch == before.task(key)?.record.epoch, "nobody else had it")
            }
            #expect(nodes.script.runs(of: "first").count == 3)
        }
    }

    @Test("a node that is cut off ends its child processes of its own accord")
    func fencedChild() async throws {
        var options = Nodes.Options()
        options.agentLimits.gitTime = .seconds(600)
        try await Nodes.run(3, options: options) { nodes in
            let folder = try nodes.makeEndlessHistory()
            let victim = try await nodes.follower()
            let key = try await nodes.submitAnalysis(of: "endless", on: victim)
            try await eventually("git runs") { ChildProcesses.naming(folder).count == 1 }
            let child = ChildProcesses.naming(folder)[0]
            try await nodes.connect(victim, .silent)
            try await eventually("the child is gone") { !ChildProcesses.naming(folder).contains(child) }
            #expect(victim.cluster.isFenced)
            #expect(victim.cluster.state.task(key)?.assignment?.node == victim.id, "nobody has told the node")
            nodes.script.release("filler")
            nodes.mendHistory()
            // Whoever has it now may wait for the same history.
            let witness = nodes.others(than: victim)[0]
            try await eventually("the analysis ends") {
                nodes.wakeHistory()
                return witness.cluster.state.task(key)?.status == .completed
            }
        }
    }

    @Test("a new leader gives everybody a whole interval, fires timers, and declares the dead gone")
    func newLeader() async throws {
        try await Nodes.run(3) { nodes in
            nodes.script.hold("blocker")
            let blocker = try await nodes.submit([("blocker", [])])
            let waiting = try await nodes.submit([("waiting", [])]) {
                $0.dependsOn = [blocker.id]
                $0.deadlineMilliseconds = 6_000
            }
            let leader = try await nodes.leader()
            let witness = nodes.others(than: leader)[0]
            let left = Mutex<[NodeID]>([])
            let token = witness.cluster.observe { batch in
                for event in batch.applied.flatMap(\.events) where event.kind == .memberChanged {
                    if event.record.nodeStatusCode == .left {
                        left.withLock { $0.append(NodeID(event.record.nodeID)) }
                    }
                }
            }
            try await nodes.kill(leader)
            #expect(try await nodes.end(of: waiting, at: witness).record.failure.reasonCode == .deadline)
            try await eventually("the dead leader is gone") { witness.cluster.state.node(leader.id)?.status == .left }
            try await eventually("it is told") { !left.withLock { $0.isEmpty } }
            #expect(left.withLock { $0 } == [leader.id])
            witness.cluster.remove(token)
            nodes.script.release("blocker")
        }
    }
}
