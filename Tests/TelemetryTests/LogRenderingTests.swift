import Foundation
import Logging
import Testing

@testable import Telemetry

@Suite("Log lines")
struct LogRenderingTests {
    static func renderer(
        _ format: LogFormat = .json, limits: TelemetryLimits = TelemetryLimits(),
        redact: @escaping @Sendable (String) -> String = { $0 }
    ) -> LogRenderer {
        LogRenderer(source: .test("node-1"), format: format, limits: limits, redact: redact)
    }

    static func record(_ message: String, _ metadata: Logger.Metadata = [:], error: (any Error)? = nil) -> LogRecord {
        LogRecord(
            time: WallTime(microsecondsSince1970: 1_767_323_045_678_901), level: .info, logger: "amas.raft",
            message: message, error: error, metadata: [metadata])
    }

    static func line(_ renderer: LogRenderer, _ record: LogRecord) -> String {
        var bytes: [UInt8] = []
        renderer.append(record, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func object(_ line: String) throws -> [String: any Sendable] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable])
    }

    @Test("a JSON line has its fields in a fixed order, the ids on the top level")
    func json() {
        let metadata: Logger.Metadata = [
            "task_id": "t-1", "request_id": "r-1", "span_id": "00f067aa0ba902b7",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "peers": ["2", "3"], "index": "\(17)",
            "limits": ["bytes": "1"],
        ]
        #expect(
            Self.line(Self.renderer(), Self.record("became \"leader\"", metadata, error: CancellationError()))
                == #"{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","logger":"amas.raft","#
                + #""service.name":"amas","service.version":"1.2.3","service.instance.id":"node-1","cluster_id":"c","node_id":7,"#
                + #""message":"became \"leader\"","request_id":"r-1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#
                + #""span_id":"00f067aa0ba902b7","task_id":"t-1","error":"CancellationError()","#
                + #""metadata":{"index":"17","limits":{"bytes":"1"},"peers":["2","3"]}}"# + "\n")
    }

    @Test("numbers and truth values are JSON's own where they were logged as such, and nothing else is")
    func numbers() throws {
        struct Odd: CustomStringConvertible { var description: String { "17" } }
        let metadata: Logger.Metadata = [
            "signed": .stringConvertible(-3), "largest": .stringConvertible(UInt64.max),
            "part": .stringConvertible(0.25),
            "endless": .stringConvertible(Double.infinity), "so": .stringConvertible(true),
            "odd": .stringConvertible(Odd()),
            "text": "17", "list": [.stringConvertible(1)], "raft_term": .stringConvertible(UInt64(9)),
            "raft_role": "leader",
            "task_id": .stringConvertible(5),
        ]
        let line = Self.line(Self.renderer(), Self.record("m", metadata))
        _ = try Self.object(line)
        #expect(line.contains(#""message":"m","raft_role":"leader","raft_term":9,"task_id":5,"#))
        #expect(
            line.hasSuffix(
                #""metadata":{"endless":"inf","largest":18446744073709551615,"list":[1],"odd":"17","part":0.25,"#
                    + #""signed":-3,"so":true,"text":"17"}}"# + "\n"))
    }

    @Test("a text line reads like a sentence with facts")
    func text() {
        let metadata: Logger.Metadata = ["task_id": "t-1", "path": "/a b", "peers": ["2"], "n": "5", "odd key": "x"]
        #expect(
            Self.line(Self.renderer(.text), Self.record("became leader", metadata))
                == #"2026-01-02T03:04:05.678Z INFO     amas.raft node-1: became leader "#
                + #"task_id=t-1 n=5 "odd key"=x path="/a b" peers=["2"]"# + "\n")
    }

    @Test("the event's metadata wins over the provider's, and that over the logger's")
    func precedence() throws {
        var record = Self.record("m")
        record.metadata = [
            ["a": "logger", "b": "logger", "c": "logger"], ["b": "provider", "c": "provider"], ["c": "event"],
        ]
        let object = try Self.object(Self.line(Self.renderer(), record))
        #expect(object["metadata"] as? [String: String] == ["a": "logger", "b": "provider", "c": "event"])
    }

    @Test("no text, wherever it comes from, breaks out of its line or string", arguments: 0..<20)
    func injection(round: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var record = Self.record(generator.hostileText())
            record.logger = generator.hostileText()
            let (key, value, inner) = (generator.hostileText(), generator.hostileText(), generator.hostileText())
            let task = generator.hostileText()
            record.metadata = [
                [key: .string(value), "task_id": .string(task), "list": [.dictionary([key: .string(inner)])]]
            ]

            let json = Self.line(Self.renderer(), record)
            #expect(Self.dangerous(json.dropLast()).isEmpty && json.hasSuffix("\n"), "seed \(seed)")
            let object = try Self.object(json)
            #expect(object["message"] as? String == record.message, "seed \(seed)")
            #expect(object["logger"] as? String == record.logger, "seed \(seed)")
            #expect(object["task_id"] as? String == task, "seed \(seed)")
            let metadata = try #require(object["metadata"] as? [String: any Sendable])
            #expect(metadata[key] as? String == value, "seed \(seed)")
            #expect((metadata["list"] as? [[String: String]])?.first?[key] == inner, "seed \(seed)")

            let text = Self.line(Self.renderer(.text), record)
            #expect(Self.dangerous(text.dropLast()).isEmpty && text.hasSuffix("\n"), "seed \(seed)")
        }
    }

    /// What would end a line, move a terminal's cursor, or turn the direction of writing.
    private static func dangerous(_ text: Substring) -> [Unicode.Scalar] {
        text.unicodeScalars.filter { scalar in
            scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
                || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
        }
    }

    @Test("a value in a text line cannot pass for another key")
    func textForgery() {
        let line = Self.line(Self.renderer(.text), Self.record("m", ["user": #"x" admin="true"#]))
        #expect(line.hasSuffix(#" user="x\" admin=\"true""# + "\n"))
    }

    @Test("messages, values, keys and errors pass the redactor; well-formed ids do not")
    func redaction() throws {
        struct Leak: Error, CustomStringConvertible { var description: String { "no hunter2" } }
        let renderer = Self.renderer(redact: { $0.replacing("hunter2", with: "***") })
        let metadata: Logger.Metadata = [
            "hunter2": "k", "a": "is hunter2", "b": ["hunter2"],
            "c": ["d": .stringConvertible("hunter2!" as Substring)],
            "request_id": "hunter2", "task_id": "the hunter2",
        ]
        let line = Self.line(renderer, Self.record("say hunter2", metadata, error: Leak()))
        let object = try Self.object(line)
        #expect(object["message"] as? String == "say ***")
        #expect(object["error"] as? String == "no ***")
        #expect(object["request_id"] as? String == "hunter2", "it could be no secret, being an id")
        #expect(object["task_id"] as? String == "the ***")
        #expect(line.components(separatedBy: "hunter2").count == 2)
    }
}
