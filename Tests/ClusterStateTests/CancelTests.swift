import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Cancelling")
struct CancelTests {
    @Test("what no node has is cancelled at once")
    func pending() throws {
        var cluster = try Cluster(nodes: 1, slots: 0)
        try cluster.submit("a")
        #expect(try cluster.cancel("a").eventNames == ["task_cancelled"])
        let record = try cluster.task("a").record
        #expect(record.status == .cancelled && record.cancelledBy == "alice")
        #expect(cluster.state.counts.queued == 0 && cluster.state.reservedBytes == 0)
    }

    @Test("what runs is cancelling until its executor says so")
    func acknowledged() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.start("a", steps: [0])
        let epoch = try cluster.task("a").record.epoch
        let applied = try cluster.cancel("a")
        #expect(applied.events.isEmpty && applied.assignments.count == 1)
        guard case .cancelRequested(key("a"), let assignment) = applied.assignments.first else {
            Issue.record("the executor was not told")
            return
        }
        #expect(assignment.epoch == Epoch(epoch))
        #expect(try cluster.status("a") == .cancelling && cluster.state.freeSlots == 3)
        #expect(try cluster.start("a").rejection == .wrongState(.cancelling))
        let done = try cluster.request(
            .cancelAcknowledged(
                .with {
                    $0.taskID = "a"
                    $0.epoch = epoch
                }))
        #expect(done.eventNames == ["task_cancelled"] && cluster.state.freeSlots == 4)
        #expect(cluster.state.steps(of: key("a"))[0].status == .interrupted)
    }

    @Test("a result that commits before the acknowledgement wins")
    func resultWins() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.cancel("a")
        let applied = try cluster.complete("a", result: "r", finish: .resultOfStep(0))
        #expect(applied.eventNames.last == "task_completed")
        cluster.pass(milliseconds: 10_000)
        try cluster.fireAllTimers()
        #expect(try cluster.status("a") == .completed)
    }

    @Test("five seconds without a word end it, and tell the executor that it lost the task")
    func timeout() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.cancel("a")
        #expect(cluster.state.nextTimer?.microseconds == cluster.time + 5_000_000)
        cluster.pass(milliseconds: 4_999)
        #expect(try cluster.fireTimers().outcome == .done(count: 0))
        cluster.pass(milliseconds: 1)
        let fired = try cluster.fireTimers()
        #expect(fired.outcome == .done(count: 1) && fired.released == ["a"])
        #expect(try cluster.status("a") == .cancelled)
    }

    @Test("cancelling twice is once; what has ended otherwise stays so")
    func idempotent() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let first = try cluster.cancel("a")
        #expect(try cluster.cancel("a").outcome == first.outcome)
        try cluster.submit("b")
        try cluster.run("b")
        #expect(try cluster.cancel("b").rejection == .wrongState(.completed))
        #expect(try cluster.cancel("nobody").rejection == .unknownTask)
    }

    @Test("the death of its node cancels what was being cancelled")
    func nodeDeath() throws {
        var cluster = try Cluster(nodes: 2)
        try cluster.submit("a")
        let node = try #require(try cluster.node(of: "a"))
        try cluster.cancel("a")
        #expect(try cluster.leave(node).eventNames == ["member_changed", "task_cancelled"])
    }
}
