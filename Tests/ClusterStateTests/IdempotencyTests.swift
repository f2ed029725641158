import ClusterState
import FoundationEssentials
import Raft
import SwiftProtobuf
import Testing

@Suite("Idempotency keys")
struct IdempotencyTests {
    func idempotency(_ key: String, body: UInt8 = 1, principal: String = "alice", route: String = "POST /tasks")
        -> IdempotencyKey
    {
        .with {
            $0.principal = principal
            $0.route = route
            $0.key = key
            $0.bodyDigest = Data(repeating: body, count: 32)
        }
    }

    @discardableResult
    func submit(_ id: String, _ key: IdempotencyKey, tenant: String = "default", to cluster: inout Cluster) throws
        -> Applied
    {
        try cluster.request(
            .submitTask(
                .with {
                    $0.taskID = id
                    $0.spec = .simple
                    $0.idempotency = key
                }), tenant: tenant)
    }

    @Test("the same request under the same key, in whatever session, gives the first task")
    func replay() throws {
        var cluster = try Cluster(nodes: 2)
        let first = try submit("a", idempotency("k"), to: &cluster)
        guard case .task(let task, let revision) = first.outcome else {
            Issue.record("not accepted: \(first.outcome)")
            return
        }
        try cluster.run("a")
        let other = Envelope.Session(node: NodeID(2), boot: BootID(1))
        let again = try cluster.request(
            .submitTask(
                .with {
                    $0.taskID = "b"
                    $0.spec = .simple
                    $0.idempotency = idempotency("k")
                }), session: other, sequence: 1)
        #expect(again.outcome == .replayed(task, revision) && again.events.isEmpty)
        #expect(cluster.state.counts.total == 1)
    }

    @Test("another body under the same key is a conflict")
    func conflict() throws {
        var cluster = try Cluster(nodes: 1)
        try submit("a", idempotency("k"), to: &cluster)
        #expect(try submit("b", idempotency("k", body: 2), to: &cluster).rejection == .idempotencyConflict)
    }

    @Test("a key belongs to its tenant, principal and route, and compares as bytes")
    func scope() throws {
        var cluster = try Cluster(nodes: 1)
        try submit("a", idempotency("\u{E9}"), to: &cluster)
        #expect(try submit("b", idempotency("e\u{301}"), to: &cluster).rejection == nil)
        #expect(try submit("c", idempotency("\u{E9}", principal: "bob"), to: &cluster).rejection == nil)
        #expect(try submit("d", idempotency("\u{E9}", route: "POST /other"), to: &cluster).rejection == nil)
        #expect(try submit("a", idempotency("\u{E9}"), tenant: "other", to: &cluster).rejection == nil)
        #expect(cluster.idempotencyKeys == 5)
    }

    @Test("a refused request does not use its key up")
    func refusal() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(try submit("bad id", idempotency("k"), to: &cluster).rejection == .invalid(field: "task_id"))
        #expect(try submit("a", idempotency("k"), to: &cluster).rejection == nil)
    }

    @Test("a key is kept for fifteen minutes of cluster time")
    func expiry() throws {
        var cluster = try Cluster(nodes: 1)
        try submit("a", idempotency("k"), to: &cluster)
        cluster.pass(milliseconds: 15 * 60_000 - 1)
        try cluster.fireTimers()
        #expect(cluster.idempotencyKeys == 1)
        cluster.pass(milliseconds: 1)
        try cluster.fireTimers()
        #expect(cluster.idempotencyKeys == 0)
    }

    @Test("a table full of younger keys refuses; an expired one makes room")
    func fullTable() throws {
        var settings = Settings()
        settings.idempotencyLimit = 2
        var cluster = try Cluster(nodes: 1, settings: settings)
        try submit("a", idempotency("1"), to: &cluster)
        try submit("b", idempotency("2"), to: &cluster)
        #expect(
            try submit("c", idempotency("3"), to: &cluster).rejection == .idempotencyTableFull(retryAfterSeconds: 60))
        #expect(try submit("c", idempotency("2"), to: &cluster).outcome != .rejected(.idempotencyConflict))
        cluster.pass(milliseconds: 15 * 60_000)
        #expect(try submit("c", idempotency("3"), to: &cluster).rejection == nil)
        #expect(cluster.idempotencyKeys == 2)
    }

    @Test("execute and cancel take keys too")
    func otherRoutes() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.autoExecute = false }
        func execute() throws -> Applied {
            try cluster.request(
                .executeTask(
                    .with {
                        $0.taskID = "a"
                        $0.idempotency = idempotency("run")
                    }))
        }
        #expect(try execute().assigned == ["a"])
        try cluster.run("a")
        guard case .replayed = try execute().outcome else {
            Issue.record("a second run began")
            return
        }
        #expect(try cluster.status("a") == .completed)
    }
}
