import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("Evidence about tasks that have left the state")
struct EvidenceTests {
    /// A state that knows evidence, and what PostgreSQL has of each task that was persisted.
    private struct Archive {
        var cluster: Cluster
        private(set) var views: [String: TaskView] = [:]

        init(settings: Settings = Settings(), limits: Limits = .version1, version: UInt32 = 3) throws {
            cluster = try Cluster(nodes: 0, settings: settings, limits: limits)
            try cluster.join(1, version: 3)
            try cluster.propose(.setMachineVersion(.with { $0.version = version }))
        }

        mutating func run(_ id: String, _ change: (inout TaskSpec) -> Void = { _ in }) throws {
            try cluster.submit(id, change)
            try cluster.run(id)
            try persist(id)
        }

        mutating func persist(_ id: String) throws {
            views[id] = try cluster.task(id)
            try cluster.persistAll()
        }

        /// All that was persisted leaves, and then its tombstones.
        mutating func forget(tombstones: Bool = true) throws {
            cluster.pass(milliseconds: 10 * 60_000)
            try cluster.fireAllTimers()
            guard tombstones else { return }
            cluster.pass(milliseconds: 60 * 60_000)
            try cluster.fireAllTimers()
        }

        func view(_ id: String) throws -> TaskView { try #require(views[id]) }

        /// - Parameter through: nil for a projection that has everything.
        func evidence(_ id: String, through: Revision? = nil) throws -> TaskEvidence {
            let view = try view(id)
            var evidence = TaskEvidence()
            evidence.taskID = id
            evidence.status = view.status
            evidence.revision = view.revision.rawValue
            evidence.readThrough = (through ?? cluster.state.projectedThrough).rawValue
            return evidence
        }

        func archive(_ id: String) throws -> TaskArchive {
            let view = try view(id)
            return .with {
                $0.spec = view.spec
                $0.attempt = view.record.attempt
                $0.createdRevision = view.record.createdRevision
                $0.createdWall = view.record.createdWall
                $0.costMicroUsd = view.record.costMicroUsd
            }
        }

        @discardableResult
        mutating func execute(_ id: String, _ change: (inout ExecuteTask) -> Void = { _ in }) throws -> Applied {
            var command = ExecuteTask()
            command.taskID = id
            command.evidence = [try evidence(id)]
            command.archive = try archive(id)
            change(&command)
            return try cluster.request(.executeTask(command))
        }

        mutating func submit(_ id: String, after dependency: String, _ evidence: [TaskEvidence]) throws -> Applied {
            var command = SubmitTask()
            command.taskID = id
            command.spec = .simple
            command.spec.dependsOn = [dependency]
            command.evidence = evidence
            return try cluster.request(.submitTask(command))
        }
    }

    @Test("a task that has left runs again as the same task, with or without a tombstone", arguments: [false, true])
    func again(isForgotten: Bool) throws {
        var archive = try Archive()
        try archive.run("a") { $0.steps = TaskSpec.steps(1) }
        try archive.forget(tombstones: isForgotten)
        #expect(archive.cluster.state.task(key("a")) == nil)
        #expect((archive.cluster.state.tombstone(key("a")) == nil) == isForgotten)
        let before = try archive.view("a")
        #expect(try archive.execute("a").assigned == ["a"])
        let now = try archive.cluster.task("a")
        #expect(now.record.attempt == before.record.attempt + 1 && now.spec == before.spec)
        #expect(now.createdRevision == before.createdRevision && now.record.createdWall == before.record.createdWall)
        #expect(now.record.persistedRevision == before.revision.rawValue)
        #expect(archive.cluster.state.tombstone(key("a")) == nil)
        try archive.cluster.run("a", result: "second")
        #expect(try archive.cluster.status("a") == .completed)
        try archive.persist("a")
        try archive.forget()
        #expect(try archive.execute("a").rejection == nil, "and again")
        Invariants.check(archive.cluster.state, "after two revivals")
    }

    @Test("a dependency that has left counts as what it became")
    func dependencies() throws {
        var archive = try Archive()
        try archive.run("done")
        try archive.cluster.submit("bad")
        try archive.cluster.finish("bad", .failed)
        try archive.persist("bad")
        try archive.forget()
        let (done, bad) = (try archive.evidence("done"), try archive.evidence("bad"))
        #expect(try archive.submit("b", after: "done", []).rejection == .unknownDependency(id: "done"))
        #expect(try archive.submit("b", after: "done", [bad]).rejection == .unknownDependency(id: "done"))
        #expect(try archive.submit("b", after: "done", [bad, done]).assigned == ["b"])
        #expect(try archive.submit("c", after: "bad", [bad]).rejection == nil)
        #expect(try archive.cluster.task("c").record.failure.reason == .dependencyFailed)
    }

    @Test("a task runs again although the one that it needed has left too")
    func both() throws {
        var archive = try Archive()
        try archive.run("first")
        try archive.run("second") { $0.dependsOn = ["first"] }
        try archive.forget()
        #expect(try archive.execute("second").rejection == .unknownDependency(id: "first"))
        let first = try archive.evidence("first")
        #expect(try archive.execute("second") { $0.evidence.append(first) }.assigned == ["second"])
    }

    @Test("evidence read before the task last left is refused, however the task has changed meanwhile")
    func old() throws {
        var archive = try Archive()
        try archive.run("a")
        let early = try archive.evidence("a")
        try archive.forget()
        try archive.execute("a")
        try archive.cluster.run("a")
        try archive.persist("a")
        try archive.forget(tombstones: false)
        #expect(try archive.execute("a") { $0.evidence = [early] }.rejection == .stale, "against a tombstone")
        try archive.forget()
        #expect(try archive.execute("a") { $0.evidence = [early] }.rejection == .stale, "against the bucket")
        #expect(try archive.submit("b", after: "a", [early]).rejection == .stale)
        #expect(try archive.execute("a").rejection == nil)
    }

    @Test("a task older than another that left its bucket is believed, once PostgreSQL has that other too")
    func bucket() throws {
        var limits = Limits()
        limits.evictionBuckets = 1
        var archive = try Archive(limits: limits)
        try archive.run("a")
        let before = archive.cluster.state.projectedThrough
        try archive.run("b")
        try archive.forget()
        let stale = try archive.evidence("a", through: before)
        #expect(try archive.execute("a") { $0.evidence = [stale] }.rejection == .stale)
        #expect(try archive.execute("a").assigned == ["a"])
    }

    @Test("the state's own word goes before any evidence")
    func live() throws {
        var archive = try Archive()
        try archive.run("a")
        try archive.cluster.submit("slow")
        var lie = try archive.evidence("a")
        lie.taskID = "slow"
        #expect(try archive.submit("b", after: "slow", [lie]).assigned.isEmpty, "it waits for what lives")
        lie = try archive.evidence("a")
        lie.status = .failed
        #expect(try archive.execute("a") { $0.evidence = [lie] }.rejection == nil)
        #expect(try archive.cluster.task("a").record.attempt == 2)
    }

    @Test("evidence that cannot be true, or is not all there, changes nothing")
    func unbelievable() throws {
        var archive = try Archive()
        try archive.run("a")
        try archive.forget()
        let future = archive.cluster.state.revision.rawValue + 10
        func rejection(_ change: (inout ExecuteTask) -> Void) throws -> Rejection? {
            try archive.execute("a", change).rejection
        }
        #expect(try rejection { $0.evidence[0].revision = future } == .stale)
        #expect(try rejection { $0.evidence[0].readThrough = future } == .stale)
        #expect(try rejection { $0.evidence[0].revision = 0 } == .stale)
        #expect(try rejection { $0.evidence[0].status = .executing } == .stale)
        #expect(try rejection { $0.evidence[0].statusCode = .UNRECOGNIZED(262) } == .stale)
        let revision = Revision(rawValue: try archive.view("a").revision.rawValue)
        #expect(try rejection { $0.clearArchive() } == .evicted(.completed, revision))
        #expect(try rejection { $0.archive.attempt = 0 } == .invalid(field: "archive"))
        #expect(try rejection { $0.archive.attempt = .max } == .wrongState(.completed))
        #expect(try rejection { $0.archive.createdRevision = 0 } == .invalid(field: "archive"))
        #expect(try rejection { $0.archive.createdRevision = future } == .invalid(field: "archive"))
        #expect(try rejection { $0.archive.spec.title = "" } == .invalid(field: "title"))
        #expect(try rejection { $0.evidence = [] } == .unknownTask)
        let one = try archive.evidence("a")
        let greatest = Limits.version1.dependencyCount + 1
        #expect(
            try rejection { $0.evidence = Array(repeating: one, count: greatest + 1) } == .invalid(field: "evidence"))
        #expect(try rejection { $0.evidence = Array(repeating: one, count: greatest) } == nil)
    }

    @Test("evidence does not count before the cluster has the version that knows it")
    func gated() throws {
        var archive = try Archive(version: 2)
        try archive.run("a")
        try archive.forget()
        #expect(try archive.execute("a").rejection == .invalid(field: "machine_version"))
        var plain = ExecuteTask()
        plain.taskID = "a"
        #expect(Command(.executeTask(plain)).machineVersion == 1, "an older build reads what it always read")
        try archive.cluster.propose(.setMachineVersion(.with { $0.version = 3 }))
        #expect(try archive.execute("a").rejection == nil)
    }

    @Test("a task that comes back is admitted like a new one")
    func admission() throws {
        var settings = Settings()
        settings.admissionLimitTasks = 2
        var archive = try Archive(settings: settings)
        try archive.run("a")
        try archive.forget()
        try archive.cluster.submit("b")
        try archive.cluster.submit("c")
        guard case .overloaded = try archive.execute("a").rejection else {
            Issue.record("it was taken beyond the limit")
            return
        }
        try archive.cluster.persistAll()
        #expect(try archive.execute("a").rejection == nil)
    }

    @Test("the last item of a revision is known")
    func lastOfRevision() throws {
        var cluster = try Cluster(nodes: 1)
        for number in 0..<3 { try cluster.submit("t\(number)") }
        #expect(cluster.state.outbox(limit: 9, byteLimit: .max).allSatisfy { cluster.state.isLastOfRevision($0) })
        try cluster.leave(1)
        let items = cluster.state.outbox(limit: 9, byteLimit: .max)
        #expect(items.map { cluster.state.isLastOfRevision($0) } == [false, false, true])
    }
}
