import NIOCore

/// When to dial a peer: at once after a link that stood was closed, then ever more slowly, with jitter so that the
/// nodes of a cluster do not knock in step; at once again when the peer shows a sign of life. Does no I/O and reads no
/// clock.
///
/// Each dial and each wait has a ticket; an answer with an old ticket is void. That settles every race between a timer,
/// a dial under way and a hint.
struct DialSchedule {
    struct Ticket: Equatable, Sendable {
        fileprivate let number: UInt64
    }

    enum Step: Equatable {
        case none
        case dial(Ticket)
        case wait(TimeAmount, then: Ticket)
    }

    private enum Phase: Equatable {
        case idle
        case waiting(Ticket)
        case dialling(Ticket)
        case up(since: NIODeadline)
    }

    private let first: TimeAmount
    private let maximum: TimeAmount
    private let stableAfter: TimeAmount
    private var phase = Phase.idle
    private var failures = 0
    private var lastTicket: UInt64 = 0

    init(limits: PeerTransport.Limits) {
        first = limits.firstBackoff
        maximum = limits.maximumBackoff
        stableAfter = limits.stableAfter
    }

    var isUp: Bool {
        if case .up = phase { true } else { false }
    }

    /// Begins to dial, unless that is under way.
    mutating func start() -> Step {
        switch phase {
        case .idle: dialNow()
        case .waiting, .dialling, .up: .none
        }
    }

    /// The peer lives or has just died: a wait makes no sense any more.
    mutating func hint() -> Step {
        switch phase {
        case .waiting: dialNow()
        case .idle, .dialling, .up: .none
        }
    }

    mutating func waited(_ ticket: Ticket) -> Step {
        phase == .waiting(ticket) ? dialNow() : .none
    }

    /// Whether the dial with `ticket` is the one that counts.
    func isDialling(_ ticket: Ticket) -> Bool { phase == .dialling(ticket) }

    mutating func established(_ ticket: Ticket, at now: NIODeadline) {
        guard phase == .dialling(ticket) else { return }
        phase = .up(since: now)
    }

    /// The dial failed, in TCP, TLS or hello.
    mutating func failed(_ ticket: Ticket, using generator: inout some RandomNumberGenerator) -> Step {
        phase == .dialling(ticket) ? waitAfterFailure(&generator) : .none
    }

    /// The link that stood is gone.
    mutating func closed(at now: NIODeadline, using generator: inout some RandomNumberGenerator) -> Step {
        guard case .up(let since) = phase else { return .none }
        // A link that falls as soon as it stands must not make two nodes dial each other without a pause.
        guard now - since >= stableAfter else { return waitAfterFailure(&generator) }
        failures = 0
        return dialNow()
    }

    mutating func stop() {
        phase = .idle
        failures = 0
    }

    private mutating func dialNow() -> Step {
        let ticket = nextTicket()
        phase = .dialling(ticket)
        return .dial(ticket)
    }

    private mutating func waitAfterFailure(_ generator: inout some RandomNumberGenerator) -> Step {
        let doublings = min(failures, 30)
        let full = min(first.nanoseconds << doublings, maximum.nanoseconds)
        failures += 1
        let half = full / 2
        let ticket = nextTicket()
        phase = .waiting(ticket)
        return .wait(.nanoseconds(half + Int64.random(in: 0...half, using: &generator)), then: ticket)
    }

    private mutating func nextTicket() -> Ticket {
        lastTicket += 1
        return Ticket(number: lastTicket)
    }
}
