import ClusterState
import Storage
import Telemetry

extension WallTime {
    /// As the state keeps it; what lies beyond the clock is its end.
    init(unsigned microseconds: UInt64) {
        self.init(microsecondsSince1970: Int64(clamping: microseconds))
    }
}

extension TaskListCursor {
    /// The opaque text that clients get: hexadecimal digits of the time, a dot, the id.
    var text: String { "\(String(createdAt.microsecondsSince1970, radix: 16)).\(taskID)" }

    init?(text: String) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let time = Int64(parts[0], radix: 16), time >= 0, !parts[1].isEmpty else { return nil }
        self.init(createdAt: WallTime(microsecondsSince1970: time), taskID: String(parts[1]))
    }
}
