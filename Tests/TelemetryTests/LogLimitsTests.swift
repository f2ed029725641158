import Foundation
import Logging
import Testing

@testable import Telemetry

@Suite("Limits of log lines")
struct LogLimitsTests {
    static var small: TelemetryLimits {
        var limits = TelemetryLimits()
        limits.logMessageBytes = 20
        limits.logValueBytes = 10
        limits.logKeyBytes = 5
        limits.logMetadataEntries = 3
        limits.logMetadataDepth = 2
        limits.logLineBytes = 400
        return limits
    }

    private func object(_ record: LogRecord, _ limits: TelemetryLimits = small) throws -> [String: any Sendable] {
        try LogRenderingTests.object(LogRenderingTests.line(LogRenderingTests.renderer(limits: limits), record))
    }

    @Test("messages and values are kept up to their limit and cut past it")
    func cut() throws {
        let twenty = String(repeating: "m", count: 20)
        #expect(try object(LogRenderingTests.record(twenty))["message"] as? String == twenty)
        #expect(try object(LogRenderingTests.record(twenty + "xy"))["message"] as? String == twenty + "…[2 bytes cut]")
        let record = LogRenderingTests.record("m", ["a": "0123456789", "b": "0123456789x", "c": "012345678é"])
        #expect(
            try object(record)["metadata"] as? [String: String] == [
                "a": "0123456789", "b": "0123456789…[1 bytes cut]", "c": "012345678…[2 bytes cut]",
            ])
        #expect(
            try object(LogRenderingTests.record("m", ["12345": "v"]))["metadata"] as? [String: String] == ["12345": "v"]
        )
        #expect(
            try object(LogRenderingTests.record("m", ["123456": "v"]))["metadata"] as? [String: String]
                == ["12345…[1 bytes cut]": "v"])
    }

    @Test("so many entries and levels are kept; what is left out is counted")
    func shape() throws {
        let wide: Logger.Metadata = ["a": "1", "b": "2", "c": "3"]
        #expect(
            try object(LogRenderingTests.record("m", wide))["metadata"] as? [String: String] == [
                "a": "1", "b": "2", "c": "3",
            ])
        let wider = wide.merging(["d": "4", "e": "5"]) { $1 }
        #expect(
            try object(LogRenderingTests.record("m", wider))["metadata"] as? [String: String]
                == ["a": "1", "b": "2", "c": "3", "…": "2 cut"])
        let list = try object(LogRenderingTests.record("m", ["l": ["1", "2", "3", "4"]]))["metadata"]
        #expect((list as? [String: [String]])?["l"] == ["1", "2", "3", "… 1 cut"])
        let deep = try object(LogRenderingTests.record("m", ["l": [["x": "1"]]]))["metadata"]
        #expect((deep as? [String: [[String: String]]])?["l"] == [["…": "1 cut"]])
    }

    @Test("a line ends near its limit, and is whole")
    func line() throws {
        var limits = TelemetryLimits()
        limits.logLineBytes = 1000
        limits.logValueBytes = 50
        let many = Dictionary(
            uniqueKeysWithValues: (100..<200).map { ("k\($0)", Logger.MetadataValue.string("\($0)-value")) })
        for format in LogFormat.allCases {
            let nested: Logger.Metadata = ["a": .dictionary(many), "b": .dictionary(many)]
            for metadata in [many, nested] {
                let renderer = LogRenderingTests.renderer(format, limits: limits)
                let line = LogRenderingTests.line(renderer, LogRenderingTests.record("m", metadata))
                #expect(line.utf8.count > 900 && line.utf8.count < 1200)
                #expect(line.contains("cut"))
                if format == .json { _ = try LogRenderingTests.object(line) }
            }
        }
    }

    @Test("a secret that the cut would split is redacted before")
    func secretAtTheCut() throws {
        let secret = "hunter2"
        for offset in 0...30 {
            let renderer = LogRenderingTests.renderer(limits: Self.small, redact: { $0.replacing(secret, with: "***") })
            let message = String(repeating: "x", count: offset) + secret
            let line = LogRenderingTests.line(renderer, LogRenderingTests.record(message, ["a": .string(message)]))
            #expect(!line.contains("h"), "\(line)")
        }
    }

    @Test("a secret that the redactor's own bound splits is left out with what is near it")
    func secretAtTheBound() throws {
        var limits = TelemetryLimits()
        limits.logRedactionBytes = 1000
        limits.logRedactionMarginBytes = 100
        limits.logMessageBytes = 500
        // A redactor that shortens so much that the end of what it saw comes within the limit.
        let renderer = LogRenderingTests.renderer(
            limits: limits, redact: { $0.replacing("xxxxxxxxxx", with: "").replacing("hunter2", with: "") })
        for split in 1...6 {
            let message = String(repeating: "x", count: 1000 - split) + "hunter2" + "tail"
            let line = LogRenderingTests.line(renderer, LogRenderingTests.record(message))
            #expect(!line.contains("hu") && !line.contains("tail"), "\(line)")
            #expect(line.contains("bytes cut"))
        }
    }
}
