import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Events")
struct EventTests {
    func read(_ state: ClusterState, after offset: EventOffset, limit: Int = 1_000) -> [Event]? {
        if case .page(let events, _) = state.events(after: offset, limit: limit) { return events }
        return nil
    }

    @Test("what apply gave is what a client that resumes gets, from any offset")
    func resume() throws {
        var cluster = try Cluster(nodes: 2)
        let start = EventOffset.end(of: cluster.state.index)
        var live: [Event] = []
        for id in ["a", "b", "c"] {
            live += try cluster.submit(id).events
            live += try cluster.start(id, steps: [0]).events
            live += try cluster.complete(id, result: "r-\(id)", finish: .resultOfStep(0)).events
        }
        let all = try #require(read(cluster.state, after: start))
        #expect(all.map(\.offset) == live.map(\.offset) && all.map(\.record) == live.map(\.record))
        #expect(all.map(\.result) == live.map(\.result))
        for (position, event) in live.enumerated() {
            let rest = try #require(read(cluster.state, after: event.offset))
            #expect(rest.map(\.offset) == live[(position + 1)...].map(\.offset))
        }
    }

    @Test("pages join without gap or repetition, filters included")
    func pages() throws {
        var cluster = try Cluster(nodes: 1, slots: 100)
        for number in 0..<20 { try cluster.submit("t\(number)") }
        var ids: [String] = []
        var offset = EventOffset.zero
        var reads = 0
        while reads < 100 {
            reads += 1
            guard
                case .page(let events, let next) = cluster.state.events(
                    after: offset, limit: 3, scanLimit: 5, where: { $0.record.taskID.hasSuffix("5") })
            else { break }
            ids += events.map(\.record.taskID)
            offset = next
            if offset >= EventOffset.end(of: cluster.state.index) { break }
        }
        #expect(ids == ["t5", "t15"])
        #expect(reads > 3)
    }

    @Test("an offset that has left the window is gone, not half answered")
    func gone() throws {
        var settings = Settings()
        settings.eventWindowCount = 5
        var cluster = try Cluster(nodes: 1, settings: settings)
        let early = try #require(try cluster.submit("t").events.first?.offset)
        for number in 0..<5 { try cluster.submit("t\(number)") }
        #expect(cluster.eventRows == 5)
        // The event itself has left, but nothing after it has: the client misses nothing.
        #expect(read(cluster.state, after: early)?.count == 5)
        try cluster.submit("one more")
        try cluster.submit("t9")
        #expect(read(cluster.state, after: early) == nil)
        #expect(read(cluster.state, after: .zero) == nil)
    }

    @Test("the window is bounded in bytes as well")
    func bytes() throws {
        var settings = Settings()
        settings.eventWindowBytes = 3_000
        var cluster = try Cluster(nodes: 1, settings: settings)
        for number in 0..<50 { try cluster.submit("t\(number)") }
        #expect(cluster.eventRows > 5 && cluster.eventRows < 40)
    }

    @Test("a result lives with its task: an event shows it as long as the task still has it")
    func results() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.start("a")
        let done = try cluster.complete("a", result: "old", finish: .resultOfStep(0))
        let end = try #require(done.events.last)
        func stored() -> Event? { read(cluster.state, after: EventOffset(index: end.offset.index, ordinal: 0))?.first }
        #expect(try stored()?.result?.decoded() == Array("old".utf8))
        try cluster.execute("a")
        #expect(stored()?.result == nil)
        #expect(stored()?.record.resultSha256 == end.record.resultSha256 && stored()?.record.resultLength == 3)
        try cluster.run("a", result: "new")
        #expect(stored()?.result == nil, "another result is not this event's")
    }

    @Test("the trace of the envelope is the task's unless the command names one")
    func traceOfTheEnvelope() throws {
        var cluster = try Cluster(nodes: 1)
        let trace = Envelope.Trace(traceIDHigh: 1, traceIDLow: 2, spanID: 3, flags: 1)
        let command = Command(
            .submitTask(
                .with {
                    $0.taskID = "a"
                    $0.spec = .simple
                }))
        let envelope = try Envelope(
            command: command, session: cluster.session, sequence: 1, floor: 1, tenant: "default", trace: trace)
        let event = try #require(try cluster.apply(envelope.encoded()).events.first)
        #expect(event.record.trace.traceIDLow == 2 && event.record.trace.flags == 1)
        #expect(try cluster.task("a").spec.trace.spanID == 3)
    }

    @Test("an event names its task, who may see it, and the trace that made it")
    func content() throws {
        var cluster = try Cluster(nodes: 1)
        let applied = try cluster.submit("a") {
            $0.trace.traceIDHigh = 7
            $0.trace.spanID = 9
        }
        let event = try #require(applied.events.first)
        #expect(
            event.taskKey == key("a") && event.record.createdBy == "alice" && event.record.title == "Look at the code")
        #expect(event.record.trace.traceIDHigh == 7 && event.record.occurredWall == cluster.time + 7)
        #expect(event.offset == EventOffset(index: applied.index, ordinal: 0))
        #expect(cluster.state.lastEventOffset == event.offset)
    }
}
