/// Identifies a request within its pool.
struct RequestID: Sendable, Hashable {
    var number: UInt64
}

/// Identifies the exclusive use of one worker's connection, for a transaction or by `withConnection`.
struct LeaseID: Sendable, Hashable {
    var worker: Int
    var number: UInt64
}

/// Who waits, who works, and which connections stand: every decision of the pool, as a value without clock, thread or I/O.
///
/// The shell (`PoolEngine`) holds it under a lock, feeds it events and executes what it answers. `Payload` is what a
/// request carries; it is never looked at.
struct PoolState<Payload> {
    struct Entry {
        var id: RequestID
        var deadline: MonotonicTime
        var payload: Payload
    }

    /// What a worker's connection is doing.
    enum Phase: Equatable {
        /// An attempt to connect is under way or next. Its outcome is near, so requests wait for it.
        case connecting
        /// The last attempt failed.
        case down(reason: String, retryAt: MonotonicTime)
        case idle(checkAt: MonotonicTime)
        case busy(RequestID)
        /// Leased, and waiting for the owner's next request.
        case reserved
        case stopped
    }

    struct Lease {
        var id: LeaseID
        var until: MonotonicTime
        var inbox: [Entry] = []
    }

    struct Worker {
        var phase = Phase.connecting
        var lease: Lease?
    }

    /// What a worker is to do next.
    enum Step {
        case run(Entry)
        case connect
        /// See whether the idle connection still stands, then report by `checked`.
        case check
        /// The lease ran past its time: roll back, then report by `finish`.
        case endLease
        case stop
        case wait(until: MonotonicTime?)
    }

    /// How a worker's request, or the end of its lease, came out for its connection.
    enum Completion {
        /// The connection goes on: to the next request, or to the lease's owner.
        case ready
        /// The connection is its requester's until then.
        case leased(until: MonotonicTime)
        /// The lease is over and the connection free for others.
        case released
        /// The connection is gone, and the lease with it.
        case disconnected
    }

    let limits: PostgresLimits
    private(set) var workers: [Worker]
    private(set) var isClosed = false
    private var queue: [Entry] = []
    /// Idle workers, the one that worked last at the end: it is used first, so that the others can stay asleep.
    private var idleWorkers: [Int] = []
    private var lastLease: UInt64 = 0
    /// When the timekeeper will look at the queue next; nil while it sleeps without end.
    private var timekeeperWake: MonotonicTime?

    init(workers: Int, limits: PostgresLimits) {
        self.limits = limits
        self.workers = Array(repeating: Worker(), count: workers)
    }

    var queuedCount: Int { queue.count }

    /// The reason why nobody can serve a request soon, or nil if somebody can.
    var outageReason: String? {
        var reason: String?
        for worker in workers {
            switch worker.phase {
            case .connecting, .idle, .busy, .reserved: return nil
            case .down(let latest, _): reason = latest
            case .stopped: break
            }
        }
        return reason ?? "no connection"
    }
}

// MARK: - Requests

extension PoolState {
    enum Submission: Equatable {
        case queued(wake: Int?, wakeTimekeeper: Bool)
        case refused(PostgresError)
    }

    /// Takes a request for whichever connection is free first.
    mutating func submit(_ entry: Entry) -> Submission {
        guard !isClosed else { return .refused(.closed) }
        if let outageReason { return .refused(.unavailable(reason: outageReason)) }
        guard queue.count < limits.queuedRequests else { return .refused(.overloaded(queued: queue.count)) }
        queue.append(entry)
        let isEarlier = timekeeperWake.map { entry.deadline < $0 } ?? true
        return .queued(wake: idleWorkers.popLast(), wakeTimekeeper: isEarlier)
    }

    /// Takes a request for the connection that its sender holds.
    mutating func submit(_ entry: Entry, to lease: LeaseID) -> Submission {
        guard !isClosed else { return .refused(.closed) }
        guard let waiting = workers[lease.worker].lease, waiting.id == lease else { return .refused(.sessionEnded) }
        guard waiting.inbox.count < limits.queuedRequestsPerConnection else {
            return .refused(.overloaded(queued: waiting.inbox.count))
        }
        workers[lease.worker].lease?.inbox.append(entry)
        return .queued(wake: lease.worker, wakeTimekeeper: false)
    }

    enum Cancellation {
        /// It had not begun: answer it.
        case removed(Entry)
        /// It runs there: interrupt it.
        case running(worker: Int)
        /// It is already answered, or not submitted yet.
        case unknown
    }

    mutating func cancel(_ id: RequestID) -> Cancellation {
        for (index, worker) in workers.enumerated() {
            if worker.phase == .busy(id) { return .running(worker: index) }
            if let position = worker.lease?.inbox.firstIndex(where: { $0.id == id }),
                let entry = workers[index].lease?.inbox.remove(at: position)
            {
                return .removed(entry)
            }
        }
        guard let position = queue.firstIndex(where: { $0.id == id }) else { return .unknown }
        return .removed(queue.remove(at: position))
    }

    /// Removes what waited too long, and says when to look again (nil: when told).
    mutating func expire(now: MonotonicTime) -> (expired: [Entry], next: MonotonicTime?) {
        let expired = queue.filter { $0.deadline <= now }
        if !expired.isEmpty { queue.removeAll { $0.deadline <= now } }
        timekeeperWake = queue.map(\.deadline).min()
        return (expired, timekeeperWake)
    }
}

// MARK: - Workers

extension PoolState {
    /// The next step of a worker that has reported the end of its last one.
    mutating func next(_ index: Int, now: MonotonicTime) -> Step {
        guard !isClosed else { return .stop }
        switch workers[index].phase {
        case .connecting: return .connect
        case .down(_, let retryAt): return retryAt <= now ? .connect : .wait(until: retryAt)
        case .idle(let checkAt):
            idleWorkers.removeAll { $0 == index }
            if let entry = takeQueued() {
                workers[index].phase = .busy(entry.id)
                return .run(entry)
            }
            guard now < checkAt else { return .check }
            idleWorkers.append(index)
            return .wait(until: checkAt)
        case .reserved:
            guard let lease = workers[index].lease else { preconditionFailure("reserved without a lease") }
            if let entry = workers[index].lease?.takeRequest() {
                workers[index].phase = .busy(entry.id)
                return .run(entry)
            }
            return lease.until <= now ? .endLease : .wait(until: lease.until)
        case .busy: preconditionFailure("a worker asks for work before it has finished")
        case .stopped: return .stop
        }
    }

    private mutating func takeQueued() -> Entry? {
        queue.isEmpty ? nil : queue.removeFirst()
    }

    /// A connection stands.
    mutating func connected(_ index: Int, now: MonotonicTime) {
        workers[index].phase = .idle(checkAt: now + limits.idleCheckInterval)
    }

    /// An attempt failed. Returns the requests that nobody is left to serve.
    mutating func connectFailed(_ index: Int, reason: String, retryAt: MonotonicTime) -> [Entry] {
        workers[index].phase = .down(reason: reason, retryAt: retryAt)
        guard outageReason != nil else { return [] }
        defer { queue = [] }
        return queue
    }

    /// An idle connection was looked at.
    mutating func checked(_ index: Int, isAlive: Bool, now: MonotonicTime) {
        workers[index].phase = isAlive ? .idle(checkAt: now + limits.idleCheckInterval) : .connecting
    }

    /// Ends the step that `run` or `endLease` began. Returns the lease that began, and requests that were waiting in one
    /// that ended.
    mutating func finish(
        _ index: Int, _ completion: Completion, now: MonotonicTime
    ) -> (lease: LeaseID?, abandoned: [Entry]) {
        let idle = Phase.idle(checkAt: now + limits.idleCheckInterval)
        switch completion {
        case .ready:
            workers[index].phase = workers[index].lease == nil ? idle : .reserved
            return (nil, [])
        case .leased(let until):
            precondition(workers[index].lease == nil, "a leased connection is leased again only once it is released")
            lastLease += 1
            let id = LeaseID(worker: index, number: lastLease)
            workers[index] = Worker(phase: .reserved, lease: Lease(id: id, until: until))
            return (id, [])
        case .released, .disconnected:
            let abandoned = workers[index].lease?.inbox ?? []
            if case .disconnected = completion {
                workers[index] = Worker(phase: .connecting)
            } else {
                workers[index] = Worker(phase: idle)
            }
            return (nil, abandoned)
        }
    }

    /// Refuses everything from now on. Returns what waited; what runs may finish.
    mutating func close() -> [Entry] {
        isClosed = true
        defer { queue = [] }
        var waiting = queue
        for index in workers.indices {
            waiting += workers[index].lease?.inbox ?? []
            workers[index].lease?.inbox = []
        }
        return waiting
    }

    /// A worker has closed its connection for good, or never came to open one.
    mutating func stopped(_ index: Int) {
        workers[index] = Worker(phase: .stopped)
    }

    /// No worker is left.
    var isStopped: Bool {
        workers.allSatisfy { $0.phase == .stopped }
    }

    var usage: PostgresPoolUsage {
        var usage = PostgresPoolUsage(connections: workers.count, connected: 0, busy: 0, queued: queue.count)
        for worker in workers {
            switch worker.phase {
            case .connecting, .down, .stopped: break
            case .idle: usage.connected += 1
            case .busy, .reserved:
                usage.connected += 1
                usage.busy += 1
            }
        }
        return usage
    }
}

extension PoolState.Lease {
    fileprivate mutating func takeRequest() -> PoolState.Entry? {
        inbox.isEmpty ? nil : inbox.removeFirst()
    }
}
