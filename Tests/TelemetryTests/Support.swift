import Foundation
import Synchronization
import Testing

@testable import Telemetry

/// A generator whose numbers follow from a seed (SplitMix64), so that a failing random test can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// Text that is likely to break a format: quotes, line ends, controls, escapes, several planes.
    mutating func hostileText(maximumScalars: Int = 24) -> String {
        let pool: [Unicode.Scalar] = [
            "a", "Z", "0", " ", "\"", "\\", "\n", "\r", "\t", "{", "}", "=", ",", "#", "\u{0}", "\u{1B}", "\u{7F}",
            "\u{85}", "\u{2028}", "\u{2029}", "\u{202E}", "\u{2066}", "é", "ß", "漢", "😀", "\u{301}", "\u{FFFD}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...maximumScalars, using: &self) {
            text.unicodeScalars.append(pool.randomElement(using: &self) ?? "a")
        }
        return text
    }
}

/// A sink that keeps what it is given and can be held shut, as a full pipe would be.
final class CollectingSink: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var open: Bool
        var waiting = false
    }

    private let state: Mutex<State>
    private let changed = Monitor()

    init(open: Bool = true) {
        state = Mutex(State(open: open))
    }

    var sink: LogSink {
        LogSink { [self] bytes in
            changed.withLock {
                state.withLock { $0.waiting = true }
                changed.broadcast()
                while !state.withLock({ $0.open }) { changed.wait() }
                state.withLock {
                    $0.waiting = false
                    $0.bytes += bytes
                }
            }
        }
    }

    func open() {
        changed.withLock {
            state.withLock { $0.open = true }
            changed.broadcast()
        }
    }

    /// Returns once the log thread stands before the closed sink.
    func awaitWriter() {
        changed.withLock {
            while !state.withLock({ $0.waiting }) { changed.wait() }
        }
    }

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    var lines: [String] { text.split(separator: "\n").map(String.init) }

    /// The lines as JSON objects.
    func objects() throws -> [[String: any Sendable]] {
        try lines.map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(value as? [String: any Sendable])
        }
    }
}

extension LogSource {
    static func test(_ name: String) -> LogSource {
        LogSource(instance: name, version: "1.2.3", clusterID: "c", node: 7)
    }
}
