import Raft

/// The times in which this node knew no leader, as far back as a request can have waited. Moments are microseconds of one
/// monotonic clock.
struct Leaderless: Sendable {
    /// More changes than this within the time that a request is held would be a cluster that decides nothing.
    static let keptSpans = 8

    private(set) var since: UInt64?
    private var spans: [Range<UInt64>] = []

    init(since start: UInt64) {
        since = start
    }

    mutating func changed(hasLeader: Bool, at now: UInt64) {
        if !hasLeader {
            since = since ?? now
        } else if let start = since {
            spans.append(start..<max(start, now))
            if spans.count > Self.keptSpans { spans.removeFirst() }
            since = nil
        }
    }

    /// How long there was no leader between the two moments.
    func microseconds(from begun: UInt64, to now: UInt64) -> UInt64 {
        let open = since.map { $0..<max($0, now) }
        return (spans + [open].compactMap(\.self)).reduce(0) { sum, span in
            let (start, end) = (max(span.lowerBound, begun), min(span.upperBound, now))
            return sum + (end > start ? end - start : 0)
        }
    }
}
