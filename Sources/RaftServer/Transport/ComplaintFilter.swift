import NIOCore

/// Lets the same complaint about the same peer through once in a while: a node that dials with a wrong certificate
/// every second must not fill the disk with log lines. Reads no clock.
struct ComplaintFilter {
    private let interval: TimeAmount
    private let capacity: Int
    private var lastLogged: [String: NIODeadline] = [:]

    init(limits: PeerTransport.Limits) {
        interval = limits.repeatedComplaintInterval
        capacity = limits.rememberedComplaints
    }

    /// Whether `complaint` deserves a warning now.
    mutating func admits(_ complaint: String, at now: NIODeadline) -> Bool {
        if let last = lastLogged[complaint], now - last < interval { return false }
        if lastLogged.count >= capacity {
            lastLogged = lastLogged.filter { now - $0.value < interval }
            // Still full: complaints that differ all the time. Starting afresh costs a few repeated lines.
            if lastLogged.count >= capacity { lastLogged.removeAll() }
        }
        lastLogged[complaint] = now
        return true
    }
}
