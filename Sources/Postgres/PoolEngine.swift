import Logging
import Synchronization

/// The shell around `PoolState`: its lock, its threads, and the callers that wait for answers.
///
/// Alive as long as its threads run, which is until `beginClose`; `PostgresPool` is the handle whose end causes that.
final class PoolEngine: Sendable {
    struct Guarded {
        var pool: PoolState<PoolRequest>
        var closeWaiters: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: PostgresConfiguration
    let logger: Logger
    let observer: (any PostgresObserver)?
    let cancelSlots: CancelSlots
    private let wakes: [WakePipe?]
    private let monitor: Monitor<Guarded>
    private let lastRequest = Atomic<UInt64>(0)
    /// The condition after the workers' own.
    private let timekeeper: Int

    init(
        configuration: PostgresConfiguration, connections: Int, logger: Logger, observer: (any PostgresObserver)?
    ) {
        self.configuration = configuration
        self.logger = logger
        self.observer = observer
        cancelSlots = CancelSlots(configuration.limits.cancelsInFlight)
        wakes = (0..<connections).map { _ in WakePipe() }
        timekeeper = connections
        let pool = PoolState<PoolRequest>(workers: connections, limits: configuration.limits)
        monitor = Monitor(Guarded(pool: pool), conditions: connections + 1)
    }

    /// Starts one thread for each connection, and one that ends requests which wait too long.
    func start() {
        for (index, wake) in wakes.enumerated() {
            let started = wake.map { wake in
                DedicatedThread.start(name: "pg-\(index)") { [self] in
                    PoolWorker(engine: self, index: index, wake: wake).work()
                }
            }
            guard started == true else {
                logger.error(
                    "PostgreSQL connection without thread or descriptor",
                    metadata: ["connection": .stringConvertible(index)])
                stopped(index)
                continue
            }
        }
        if !DedicatedThread.start(name: "pg-timekeeper", { [self] in keepTime() }) {
            logger.error("PostgreSQL pool without timekeeper: queued requests end late")
        }
    }

    var usage: PostgresPoolUsage {
        monitor.withLock { $0.pool.usage }
    }

    // MARK: Calls

    /// Submits one request and waits for its answer. A cancelled task's request is taken back or interrupted, unless
    /// `isShielded`; the answer comes in any case, at most the cancel grace later.
    func call(
        _ work: PoolWork, operation: StaticString, deadline: MonotonicTime, lease: LeaseID? = nil,
        isShielded: Bool = false
    ) async -> Result<PoolReply, PostgresError> {
        let id = RequestID(number: lastRequest.wrappingAdd(1, ordering: .relaxed).newValue)
        let interruption = Interruption()
        let submit = { (answer: CheckedContinuation<Result<PoolReply, PostgresError>, Never>) in
            let request = PoolRequest(
                work: work, operation: operation, deadline: deadline, submitted: .now(), interruption: interruption,
                answer: answer)
            self.submit(PoolState.Entry(id: id, deadline: deadline, payload: request), lease: lease)
        }
        if isShielded {
            return await withCheckedContinuation { submit($0) }
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { submit($0) }
        } onCancel: {
            interruption.raise()
            self.cancel(id)
        }
    }

    private func submit(_ entry: PoolState<PoolRequest>.Entry, lease: LeaseID?) {
        let submission = monitor.withLock { guarded in
            // A cancellation raises the flag before it takes the lock: either we see the flag here, or it finds the entry.
            guard !entry.payload.interruption.isRaised else {
                return PoolState<PoolRequest>.Submission.refused(.canceled(.none))
            }
            return lease.map { guarded.pool.submit(entry, to: $0) } ?? guarded.pool.submit(entry)
        }
        switch submission {
        case .queued(let worker, let wakeTimekeeper):
            if let worker { monitor.signal(worker) }
            if wakeTimekeeper { monitor.signal(timekeeper) }
        case .refused(let error): answer(entry.payload, .failure(error))
        }
    }

    private func cancel(_ id: RequestID) {
        switch monitor.withLock({ $0.pool.cancel(id) }) {
        case .removed(let entry): answer(entry.payload, .failure(.canceled(.none)))
        case .running(let worker): wakes[worker]?.wake()
        case .unknown: break
        }
    }

    /// Answers a request that is out of `PoolState`; `started` is when a connection took it up.
    func answer(
        _ request: PoolRequest, _ result: Result<PoolReply, PostgresError>, started: MonotonicTime? = nil
    ) {
        if let observer {
            let now = MonotonicTime.now()
            var failure: PostgresError?
            if case .failure(let error) = result { failure = error }
            observer.requestFinished(
                PostgresRequestReport(
                    operation: request.operation, queued: (started ?? now) - request.submitted,
                    ran: started.map { now - $0 } ?? .zero, failure: failure))
        }
        request.answer.resume(returning: result)
    }

    private func keepTime() {
        while true {
            let expired: [PoolState<PoolRequest>.Entry]? = monitor.wait(on: timekeeper) { guarded in
                guard !guarded.pool.isClosed else { return .done(nil) }
                let (expired, next) = guarded.pool.expire(now: .now())
                return expired.isEmpty ? .wait(until: next) : .done(expired)
            }
            guard let expired else { return }
            for entry in expired {
                answer(entry.payload, .failure(.deadlineExceeded(.none)))
            }
        }
    }

    // MARK: Closing

    /// Refuses and fails what is not running, and tells every thread to end.
    func beginClose() {
        let waiting = monitor.withLock { $0.pool.close() }
        for condition in 0...timekeeper { monitor.signal(condition) }
        for entry in waiting { answer(entry.payload, .failure(.closed)) }
    }

    /// Waits until the last connection is closed.
    func closed() async {
        await withCheckedContinuation { continuation in
            let isStopped = monitor.withLock { guarded in
                if !guarded.pool.isStopped { guarded.closeWaiters.append(continuation) }
                return guarded.pool.isStopped
            }
            if isStopped { continuation.resume() }
        }
    }
}

// MARK: - Events of the workers' threads

extension PoolEngine {
    /// Blocks the worker's thread until there is something to do.
    func next(_ index: Int) -> PoolState<PoolRequest>.Step {
        monitor.wait(on: index) { guarded in
            let step = guarded.pool.next(index, now: .now())
            if case .wait(let until) = step { return .wait(until: until) }
            return .done(step)
        }
    }

    func connected(_ index: Int) {
        monitor.withLock { $0.pool.connected(index, now: .now()) }
        observer?.connectionChanged(.opened)
    }

    func connectFailed(_ index: Int, reason: String, retryAfter: Duration) {
        let unserved = monitor.withLock {
            $0.pool.connectFailed(index, reason: reason, retryAt: .now() + retryAfter)
        }
        observer?.connectionChanged(.refused(reason: reason))
        for entry in unserved { answer(entry.payload, .failure(.unavailable(reason: reason))) }
    }

    func checked(_ index: Int, isAlive: Bool) {
        monitor.withLock { $0.pool.checked(index, isAlive: isAlive, now: .now()) }
    }

    /// Ends a step; a lease that begins is returned.
    func finish(_ index: Int, _ completion: PoolState<PoolRequest>.Completion) -> LeaseID? {
        let (lease, abandoned) = monitor.withLock { $0.pool.finish(index, completion, now: .now()) }
        for entry in abandoned { answer(entry.payload, .failure(.sessionEnded)) }
        return lease
    }

    /// A worker's thread ends, or never began.
    func stopped(_ index: Int) {
        let waiters = monitor.withLock { guarded in
            guarded.pool.stopped(index)
            defer { if guarded.pool.isStopped { guarded.closeWaiters = [] } }
            return guarded.pool.isStopped ? guarded.closeWaiters : []
        }
        for waiter in waiters { waiter.resume() }
    }
}
