import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Sessions: a command acts once")
struct SessionTests {
    func submission(_ id: String) -> Command.OneOf_Body {
        .submitTask(
            .with {
                $0.taskID = id
                $0.spec = .simple
            })
    }

    @Test("the same command again gives the first outcome and changes nothing")
    func duplicate() throws {
        var cluster = try Cluster(nodes: 1)
        let first = try cluster.request(submission("a"), sequence: 1)
        let digest = cluster.state.totals
        let again = try cluster.request(submission("a"), sequence: 1)
        #expect(again.outcome == first.outcome && again.isDuplicate && !first.isDuplicate)
        #expect(again.events.isEmpty && again.assignments.isEmpty && again.changedTasks.isEmpty)
        #expect(cluster.state.totals == digest && cluster.state.counts.total == 1)
        #expect(again.session == cluster.session && again.sequence == 1)
    }

    @Test("a refusal is an outcome too, and is kept when the reason for it has gone")
    func rejectionsAreKept() throws {
        var cluster = try Cluster(nodes: 1)
        let cancellation = Command.OneOf_Body.cancelTask(.with { $0.taskID = "a" })
        let first = try cluster.request(cancellation, sequence: 7)
        #expect(first.rejection == .unknownTask)
        try cluster.request(submission("a"), sequence: 8)
        #expect(try cluster.request(cancellation, sequence: 7).rejection == .unknownTask)
        #expect(try cluster.status("a") == .assigned)
    }

    @Test("sequences may arrive in any order within the window")
    func outOfOrder() throws {
        var cluster = try Cluster(nodes: 1)
        for sequence in [5, 3, 9, 1] as [UInt64] {
            let applied = try cluster.request(submission("t\(sequence)"), sequence: sequence)
            #expect(applied.rejection == nil)
        }
        #expect(cluster.state.counts.total == 4)
    }

    @Test("below the floor the outcome is forgotten, never invented")
    func floor() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.request(submission("a"), sequence: 1)
        try cluster.request(submission("b"), sequence: 5, floor: 4)
        #expect(cluster.state.sessionFloor(of: cluster.session) == 4)
        #expect(try cluster.request(submission("a"), sequence: 1).rejection == .outcomeForgotten)
        #expect(try cluster.request(submission("c"), sequence: 3).rejection == .outcomeForgotten)
        #expect(try cluster.request(submission("d"), sequence: 4).rejection == nil)
        // The floor never falls again.
        try cluster.request(submission("e"), sequence: 6, floor: 1)
        #expect(cluster.state.sessionFloor(of: cluster.session) == 4)
    }

    @Test("the window of 65,536 is open to its last sequence and not one further")
    func window() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(try cluster.request(submission("a"), sequence: 65_536).rejection == nil)
        #expect(try cluster.request(submission("b"), sequence: 65_537).rejection == .windowExceeded)
        #expect(try cluster.request(submission("b"), sequence: 65_537, floor: 2).rejection == nil)
        #expect(try cluster.request(submission("c"), sequence: .max, floor: 3).rejection == .windowExceeded)
    }

    @Test("a great leap of the floor is cleaned up in bounded portions")
    func boundedForgetting() throws {
        var limits = Limits()
        limits.forgottenRowsPerEntry = 10
        var cluster = try Cluster(nodes: 1, limits: limits)
        for sequence in 1...50 as ClosedRange<UInt64> {
            try cluster.request(.cancelTask(.with { $0.taskID = "x" }), sequence: sequence)
        }
        try cluster.request(.cancelTask(.with { $0.taskID = "x" }), sequence: 51, floor: 51)
        for sequence in 52...56 as ClosedRange<UInt64> {
            #expect(try cluster.request(submission("t"), sequence: 50).rejection == .outcomeForgotten)
            try cluster.request(.cancelTask(.with { $0.taskID = "x" }), sequence: sequence, floor: sequence)
        }
        #expect(cluster.storedOutcomes == 1)
    }

    @Test("a session that is not open, or has ended, accepts nothing")
    func ended() throws {
        var cluster = try Cluster(nodes: 1)
        let unknown = Envelope.Session(node: NodeID(9), boot: BootID(1))
        #expect(try cluster.request(submission("a"), session: unknown, sequence: 1).rejection == .sessionEnded)
        try cluster.propose(
            .sessionEnded(
                .with {
                    $0.nodeID = 1; $0.bootID = 1
                }))
        #expect(try cluster.request(submission("a"), sequence: 1).rejection == .sessionEnded)
        #expect(cluster.state.sessionFloor(of: cluster.session) == nil)
    }

    @Test("a new boot ends the older session; leaving does not")
    func boots() throws {
        var cluster = try Cluster(nodes: 2)
        try cluster.leave(1)
        #expect(try cluster.request(submission("a"), sequence: 1).rejection == nil)
        try cluster.join(1, boot: 2)
        #expect(try cluster.request(submission("b"), sequence: 2).rejection == .sessionEnded)
        let next = Envelope.Session(node: NodeID(1), boot: BootID(2))
        #expect(try cluster.request(submission("b"), session: next, sequence: 1).rejection == nil)
        // What the old session had answered is forgotten with it.
        try cluster.fireAllTimers()
        #expect(cluster.storedOutcomes == 1)
    }

    @Test("every outcome survives the session table")
    func outcomes() throws {
        let rejections: [Rejection] = [
            .malformed, .noCluster, .clusterExists, .invalid(field: "x"), .tooLarge(limitBytes: 3),
            .overloaded(retryAfterSeconds: 4), .idempotencyConflict, .idempotencyTableFull(retryAfterSeconds: 5),
            .unknownTask, .unknownNode, .unknownIncarnation, .unknownDependency(id: "d"), .unknownStep, .alreadyExists,
            .evicted(.failed, Revision(rawValue: 9)), .wrongState(.cancelling), .stepAlreadyCompleted,
            .fenced(current: Epoch(8)), .stale, .sessionEnded, .outcomeForgotten, .windowExceeded,
            .notAllNodesReady(lowest: 2), .changeInFlight, .noVoterLeft, .tooManyVoters(limit: 7),
        ]
        let outcomes =
            [
                .done(count: 6), .task(key("a"), Revision(rawValue: 4)), .replayed(key("a"), Revision(rawValue: 4)),
            ] + rejections.map { Outcome.rejected($0) }
        for outcome in outcomes { #expect(outcome.storedAndRead == outcome) }
    }
}
