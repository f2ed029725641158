import FoundationEssentials
import Glibc

/// One measured figure. The peer's columns are empty where no peer was measured beside us.
struct Figure: Encodable {
    var name: String
    var unit: String
    var ours: Double
    var peer: Double?
    var peerName: String?
    /// Above 1 ours is better: ours/peer for rates, peer/ours for times and sizes.
    var ratio: Double?

    init(_ name: String, _ ours: Double, _ unit: String) {
        self.name = name
        self.unit = unit
        self.ours = Self.rounded(ours)
    }

    init(_ name: String, _ ours: Double, _ unit: String, peer: Double, _ peerName: String) {
        self.init(name, ours, unit)
        self.peer = Self.rounded(peer)
        self.peerName = peerName
        ratio = Self.rounded(unit.hasSuffix("/s") ? ours / peer : peer / ours)
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    private enum CodingKeys: String, CodingKey {
        case name, unit, ours, peer
        case peerName = "peer_name"
        case ratio
    }

    /// Nulls are written, so that every line has the same members.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(unit, forKey: .unit)
        try container.encode(ours, forKey: .ours)
        try container.encode(peer, forKey: .peer)
        try container.encode(peerName, forKey: .peerName)
        try container.encode(ratio, forKey: .ratio)
    }

    func print() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        Report.output(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}

enum Report {
    static func output(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    static func say(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Seconds of processor time that this process has used: the generator's own share of the load.
    static var processorSeconds: Double { seconds(of: __rusage_who_t(RUSAGE_SELF.rawValue)) }
    /// The same of the processes that this one has started and that have ended.
    static var childrenProcessorSeconds: Double { seconds(of: __rusage_who_t(RUSAGE_CHILDREN.rawValue)) }

    private static func seconds(of who: __rusage_who_t) -> Double {
        var usage = rusage()
        getrusage(who, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

/// The share of the machine that its host gave to others while something was measured: a figure taken meanwhile says little.
struct StolenTime {
    private let begin = Self.read()

    var percent: Double {
        let now = Self.read()
        return now.total > begin.total ? 100 * Double(now.stolen - begin.stolen) / Double(now.total - begin.total) : 0
    }

    /// Ticks of all processors since the machine was started, and those of them that others had (`proc(5)`).
    private static func read() -> (total: Int, stolen: Int) {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { return (0, 0) }
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int($0) }
        return (fields.reduce(0, +), fields.count == 8 ? fields[7] : 0)
    }
}

extension [Double] {
    /// The value that a share of all values does not exceed (nearest rank); the array is sorted.
    func percentile(_ share: Double) -> Double {
        guard !isEmpty else { return .nan }
        return self[Swift.min(count - 1, Int((share * Double(count)).rounded(.up)) - 1)]
    }
}
