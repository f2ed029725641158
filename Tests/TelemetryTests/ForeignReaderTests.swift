import Foundation
import Testing

@testable import Telemetry

/// The formats as others read them, where their programs are on the machine.
@Suite("Exposition read by others")
struct ForeignReaderTests {
    /// Runs a program with the text on its standard input; nil if it cannot be started.
    static func run(_ arguments: [String], input: String) -> (status: Int32, output: String)? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let (inPipe, outPipe) = (Pipe(), Pipe())
        process.standardInput = inPipe
        process.standardOutput = outPipe
        process.standardError = outPipe
        guard (try? process.run()) != nil else { return nil }
        let writer = Thread {
            try? inPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8));
            try? inPipe.fileHandleForWriting.close()
        }
        writer.start()
        let output = outPipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    static let hasPromtool = run(["promtool", "--version"], input: "")?.status == 0
    static let hasPythonClient = run(["python3", "-c", "import prometheus_client"], input: "")?.status == 0

    @Test("promtool finds nothing to complain about", .enabled(if: hasPromtool))
    func promtool() throws {
        let registry = ExpositionTests.sampleRegistry()
        ProcessMetrics.register(in: registry)
        let result = try #require(
            Self.run(["promtool", "check", "metrics"], input: registry.exposition(.prometheusText)))
        #expect(result.status == 0, "\(result.output)")
    }

    @Test(
        "Python's parsers read every sample", .enabled(if: hasPythonClient),
        arguments: zip(ExpositionFormat.allCases, ["prometheus_client.parser", "prometheus_client.openmetrics.parser"]))
    func python(format: ExpositionFormat, module: String) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        for registry in [ExpositionTests.sampleRegistry(), ExpositionTests.randomRegistry(seed: seed)] {
            let text = registry.exposition(format)
            let program = """
                import sys
                from \(module) import text_string_to_metric_families as read
                text = sys.stdin.buffer.read().decode()
                print(sum(len(family.samples) for family in read(text)))
                """
            let result = try #require(Self.run(["python3", "-c", program], input: text))
            let read = try ExpositionReader(text, format: format)
            let samples = read.families.values.reduce(0) { $0 + $1.samples.count }
            #expect(result.output == "\(samples)\n", "seed \(seed)")
        }
    }
}
