/// When a transfer has waited too long, as a value: it is told what happens and when, and says what the next deadline
/// is.
struct TransferDeadlines {
    typealias Instant = ContinuousClock.Instant

    enum Phase: Equatable {
        case queued, connecting, awaitingHead, receiving
        /// The reader is slow, which is no fault of the server: only the total deadline runs.
        case held
    }

    private let limits: EgressDeadlines
    private let end: Instant
    private(set) var phase: Phase = .queued
    /// Nil while only the total deadline runs.
    private var phaseEnd: Instant?

    init(_ limits: EgressDeadlines, queueWait: Duration, at now: Instant) {
        self.limits = limits
        end = now + limits.total
        phaseEnd = now + queueWait
    }

    mutating func started(at now: Instant) { enter(.connecting, until: now + limits.connect) }
    /// Comes again when libcurl repeats the request because a kept connection turned out to be dead.
    mutating func connected(at now: Instant) { enter(.awaitingHead, until: now + limits.firstByte) }
    mutating func progressed(at now: Instant) { enter(.receiving, until: now + limits.idle) }
    mutating func held() { enter(.held, until: nil) }

    /// The earliest instant at which ``expiry(at:)`` can be other than nil, if nothing happens before.
    var next: Instant { phaseEnd.map { min($0, end) } ?? end }

    /// The error that the passing of time has brought, if any.
    func expiry(at now: Instant) -> EgressError? {
        if let phaseEnd, now >= phaseEnd, phaseEnd <= end {
            switch phase {
            case .queued: return .overloaded
            case .connecting: return .timeout(.connect)
            case .awaitingHead: return .timeout(.firstByte)
            case .receiving: return .timeout(.idle)
            case .held: return .timeout(.total)
            }
        }
        return now >= end ? .timeout(.total) : nil
    }

    private mutating func enter(_ phase: Phase, until end: Instant?) {
        self.phase = phase
        phaseEnd = end
    }
}
