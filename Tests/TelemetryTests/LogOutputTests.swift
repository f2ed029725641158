import Foundation
import Logging
import Synchronization
import Testing

@testable import Telemetry

@Suite("Log output")
struct LogOutputTests {
    struct Bench {
        let registry = MetricsRegistry()
        let sink: CollectingSink
        let output: LogOutput

        init(
            format: LogFormat = .json, open: Bool = true, limits: TelemetryLimits = TelemetryLimits(),
            redact: @escaping @Sendable (String) -> String = { $0 }
        ) {
            sink = CollectingSink(open: open)
            output = LogOutput(
                source: .test("n1"), format: format, limits: limits, registry: registry,
                clock: { WallTime(microsecondsSince1970: 0) }, redact: redact, sink: sink.sink)
        }

        func logger(_ label: String = "test") -> Logger {
            Logger(label: label) { output.makeHandler(label: $0, metadataProvider: LogContext.metadataProvider) }
        }

        func counter(_ name: String, _ labels: [String] = []) -> Double? {
            for family in registry.snapshot() where family.description.name == name {
                for series in family.series where series.labelValues == labels {
                    if case .number(let value) = series.value { return value }
                }
            }
            return nil
        }
    }

    @Test("every event of many threads comes out once, each thread's in its order")
    func everyEvent() async throws {
        let bench = Bench()
        await withTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    let logger = bench.logger("w\(worker)")
                    for number in 0..<500 { logger.info("\(number)") }
                }
            }
        }
        #expect(bench.output.flush())
        let objects = try bench.sink.objects()
        #expect(objects.count == 2000)
        for worker in 0..<4 {
            let numbers = objects.filter { $0["logger"] as? String == "w\(worker)" }.compactMap {
                $0["message"] as? String
            }
            #expect(numbers == (0..<500).map(String.init))
        }
        #expect(bench.counter("amas_log_messages_total", ["info"]) == 2000)
        #expect(bench.counter("amas_log_messages_total", ["error"]) == 0)
        #expect(bench.counter("amas_log_messages_dropped_total") == 0)
    }

    @Test("behind a sink that blocks, a full queue drops and says so; callers go on")
    func fullQueue() throws {
        var limits = TelemetryLimits()
        limits.logQueueEvents = 4
        limits.logFlushTimeout = .milliseconds(20)
        let bench = Bench(open: false, limits: limits)
        let logger = bench.logger()
        logger.info("in the sink")
        bench.sink.awaitWriter()
        for number in 1...10 { logger.info("\(number)") }
        #expect(bench.counter("amas_log_messages_dropped_total") == 6)
        #expect(!bench.output.flush(), "the sink is shut")
        bench.sink.open()
        while !bench.output.flush() {}
        logger.info("after")
        while !bench.output.flush() {}
        let messages = try bench.sink.objects().compactMap { $0["message"] as? String }
        #expect(messages == ["in the sink", "1", "2", "3", "4", "log events dropped", "after"])
        #expect(bench.sink.text.contains(#""metadata":{"count":6}"#))
    }

    @Test("the queue is bounded in bytes as well")
    func fullOfBytes() {
        var limits = TelemetryLimits()
        limits.logQueueBytes = 10_000
        let bench = Bench(open: false, limits: limits)
        let logger = bench.logger()
        logger.info("in the sink")
        bench.sink.awaitWriter()
        let text = String(repeating: "x", count: 1000)
        for _ in 1...10 { logger.info("\(text)") }
        #expect(bench.counter("amas_log_messages_dropped_total") == 3, "1,256 bytes each")
        logger.info("small", metadata: ["a": .array([.string(text), .dictionary(["b": .string(text)])])])
        #expect(bench.counter("amas_log_messages_dropped_total") == 4)
        bench.sink.open()
        bench.output.flush()
    }

    @Test("the level changes at run time for all loggers but those with their own")
    func level() throws {
        let bench = Bench()
        let (logger, copy) = (bench.logger("a"), bench.logger("b"))
        var own = copy
        own.logLevel = .error
        for event in ["first", "second"] {
            logger.debug("\(event) debug")
            copy.info("\(event) info")
            own.warning("\(event) warning")
            own.error("\(event) error")
            bench.output.level = .debug
        }
        bench.output.level = .critical
        logger.error("third error")
        #expect(bench.output.level == .critical)
        bench.output.flush()
        let messages = try bench.sink.objects().compactMap { $0["message"] as? String }
        #expect(messages == ["first info", "first error", "second debug", "second info", "second error"])
    }

    @Test("metadata is a value: a copy of a logger has its own")
    func valueSemantics() throws {
        let bench = Bench()
        var first = bench.logger()
        first[metadataKey: "only-on"] = "first"
        var second = first
        second[metadataKey: "only-on"] = "second"
        #expect(first[metadataKey: "only-on"] == "first")
        first.info("m")
        second.info("m")
        bench.output.flush()
        let values = try bench.sink.objects().map { ($0["metadata"] as? [String: String])?["only-on"] }
        #expect(values == ["first", "second"])
    }

    @Test("the running task's ids are on its lines, its children's too, and gone after it")
    func context() async throws {
        let bench = Bench()
        let logger = bench.logger()
        let request = try #require(RequestID("r-1"))
        let trace = try #require(TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        await LogContext.with(requestID: request, trace: trace) {
            logger.info("request")
            await withTaskGroup { group in
                group.addTask { LogContext.with(taskID: "t-1") { logger.info("task") } }
            }
            logger.info("explicit", metadata: LogContext(taskID: "t-2").metadata)
        }
        logger.info("outside")
        bench.output.flush()
        let ids = try bench.sink.objects().map { object in
            ["request_id", "trace_id", "span_id", "task_id"].map { object[$0] as? String }
        }
        let traced = ["r-1", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"]
        #expect(ids == [traced + [nil], traced + ["t-1"], traced + ["t-2"], [nil, nil, nil, nil]])
    }

    @Test("rendering and redaction happen on the log thread")
    func logThread() {
        let thread = Mutex<String?>(nil)
        let bench = Bench(redact: { text in
            let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            thread.withLock { $0 = name }
            return text
        })
        bench.logger().info("m")
        bench.output.flush()
        #expect(thread.withLock { $0 } == "log\n")
    }

    @Test("what was logged before shutdown is written, what comes after is dropped")
    func shutdown() throws {
        let bench = Bench(open: false)
        let logger = bench.logger()
        for number in 0..<100 { logger.info("\(number)") }
        bench.sink.open()
        #expect(bench.output.shutdown())
        logger.info("late")
        #expect(bench.output.shutdown())
        #expect(try bench.sink.objects().count { $0["message"] as? String != "late" } == 100)
        #expect(!bench.sink.text.contains("late"))
        #expect(bench.counter("amas_log_messages_dropped_total") == 1)
    }

    @Test("chunks are handed to the sink once they reach their size, and hold whole lines")
    func chunks() {
        var limits = TelemetryLimits()
        limits.logChunkBytes = 1000
        let chunks = Mutex<[[UInt8]]>([])
        let gate = CollectingSink(open: false)
        let sink = LogSink { bytes in
            gate.sink.write(bytes)
            chunks.withLock { $0.append(bytes) }
        }
        let output = LogOutput(
            source: .test("n"), limits: limits, registry: MetricsRegistry(),
            clock: { WallTime(microsecondsSince1970: 0) },
            redact: { $0 }, sink: sink)
        let logger = Logger(label: "l") { output.makeHandler(label: $0) }
        for number in 0..<100 { logger.info("event \(number)") }
        gate.open()
        #expect(output.flush())
        let written = chunks.withLock { $0 }
        #expect(written.count > 5)
        for chunk in written { #expect(chunk.last == UInt8(ascii: "\n") && chunk.count < 1200) }
        #expect(written.joined().count { $0 == UInt8(ascii: "\n") } == 100)
    }
}
