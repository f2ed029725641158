import Foundation
import Testing

@testable import Telemetry

@Suite("Process metrics")
struct ProcessMetricsTests {
    @Test("the fields are found behind any command name")
    func parsing() {
        let tail = "S 1 2 3 4 5 6 7 8 9 10 1500 500 0 0 20 0 12 0 4711 1000000 250 18446744073709551615 1"
        for command in ["amas", "a b", "a) b (c", "((", ""] {
            let read = ProcessStatistics(stat: "42 (\(command)) \(tail)\n", ticksPerSecond: 100, pageBytes: 4096)
            #expect(read?.cpuSeconds == 20)
            #expect(read?.residentBytes == 1_024_000)
            #expect(read?.virtualBytes == 1_000_000)
            #expect(read?.threads == 12)
            #expect(read?.startTicks == 4711)
        }
        for broken in ["", "42 (amas", "42 (amas) S 1 2", "42 (amas) " + tail.replacing("1500", with: "x")] {
            #expect(ProcessStatistics(stat: broken, ticksPerSecond: 100, pageBytes: 4096) == nil)
        }
        #expect(ProcessStatistics.bootSeconds(stat: "cpu 1 2\nbtime 1700000000\nprocesses 5\n") == 1_700_000_000)
        #expect(ProcessStatistics.bootSeconds(stat: "cpu 1 2\n") == nil)
    }

    @Test("this process reports plausible values of itself")
    func current() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        BuildInfo(version: "1.2.3", commit: "abc").register(in: registry)
        func value(_ name: String) throws -> Double {
            let family = try #require(registry.snapshot().first { $0.description.name == name })
            switch try #require(family.series.first).value {
            case .number(let value): return value
            case .histogram: return .nan
            }
        }
        let cpu = try value("process_cpu_seconds_total")
        // Asking costs processor time, so the value rises in the end.
        while try value("process_cpu_seconds_total") <= cpu {}
        #expect(try value("process_resident_memory_bytes") > 1_048_576)
        #expect(try value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"))
        #expect(try value("process_threads") >= 1)
        #expect(try value("process_max_fds") > value("process_open_fds"))
        let age = Date().timeIntervalSince1970 - (try value("process_start_time_seconds"))
        #expect(age > -2 && age < 86_400)
        #expect(registry.exposition(.openMetrics).contains(#"amas_build_info{version="1.2.3",commit="abc"} 1"#))
    }

    @Test("an open file is counted")
    func descriptors() throws {
        let before = try #require(ProcessStatistics.openFileDescriptors())
        let pipes = (0..<50).map { _ in Pipe() }
        let during = try #require(ProcessStatistics.openFileDescriptors())
        // Other tests open and close files meanwhile, though far fewer.
        #expect(during - before > 60)
        withExtendedLifetime(pipes) {}
    }
}
