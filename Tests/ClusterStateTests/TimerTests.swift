import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Time and timers")
struct TimerTests {
    @Test("a deadline ends a task wherever it is")
    func deadlines() throws {
        var cluster = try Cluster(nodes: 1, slots: 1)
        try cluster.submit("runs") { $0.deadlineMilliseconds = 1_000 }
        try cluster.submit("queued") { $0.deadlineMilliseconds = 1_000 }
        try cluster.submit("waits") {
            $0.dependsOn = ["runs"]
            $0.deadlineMilliseconds = 900
        }
        try cluster.start("runs", steps: [0])
        #expect(cluster.state.nextTimer?.microseconds == cluster.time + 900_000)
        cluster.pass(milliseconds: 1_000)
        let applied = try cluster.fireTimers()
        #expect(applied.outcome == .done(count: 3) && applied.released == ["runs"])
        for id in ["runs", "queued", "waits"] {
            #expect(try cluster.task(id).record.failure.reason == .deadline)
        }
        #expect(try cluster.finish("runs").rejection == .wrongState(.failed))
        #expect(cluster.state.nextTimer == nil)
    }

    @Test("a held task's deadline begins when it is executed")
    func heldDeadline() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") {
            $0.autoExecute = false
            $0.deadlineMilliseconds = 1_000
        }
        #expect(cluster.state.nextTimer == nil)
        cluster.pass(milliseconds: 5_000)
        try cluster.execute("a")
        #expect(cluster.state.nextTimer?.microseconds == cluster.time + 1_000_000)
    }

    @Test("256 timers fire in one entry, in the order of their times, the rest in the next")
    func bounded() throws {
        var cluster = try Cluster(nodes: 1, slots: 0)
        for number in 0..<300 {
            try cluster.submit("t\(number)") {
                $0.deadlineMilliseconds = UInt64(1_000 - number)
                $0.resultLimitBytes = 10
            }
        }
        cluster.pass(milliseconds: 1_000)
        let first = try cluster.fireTimers()
        #expect(first.outcome == .done(count: 256))
        #expect(first.events.map(\.record.taskID) == (0..<256).map { "t\(299 - $0)" })
        #expect(try cluster.fireTimers().outcome == .done(count: 44))
    }

    @Test("the clock of the state never goes back, and a proposer cannot run ahead of it")
    func clock() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.deadlineMilliseconds = 1_000 }
        let now = cluster.state.now
        cluster.time -= 500_000_000
        try cluster.submit("b")
        #expect(cluster.state.now == now)
        let early = try cluster.propose(.timersDue(.with { $0.timeMicroseconds = .max }))
        #expect(early.outcome == .done(count: 0))
    }

    @Test("a deadline beyond the end of time is one")
    func overflow() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(try cluster.submit("a") { $0.deadlineMilliseconds = .max }.rejection == nil)
        #expect(cluster.state.nextTimer == ClusterTime(microseconds: .max))
    }
}
