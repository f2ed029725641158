import CPostgres
import Logging

/// Serves the pool's requests with one connection, on the thread that calls `work`.
final class PoolWorker {
    private typealias Completion = PoolState<PoolRequest>.Completion

    private let engine: PoolEngine
    private let index: Int
    private let wake: WakePipe
    private let limits: PostgresLimits
    private var logger: Logger
    private var session: Session?
    private var backoff: Backoff
    /// The last reason that was logged as a warning; the same one again is not news.
    private var loggedReason: String?
    /// Whether the connection is leased for a transaction (true), for exclusive use (false), or not leased.
    private var leasedForTransaction: Bool?

    init(engine: PoolEngine, index: Int, wake: WakePipe) {
        self.engine = engine
        self.index = index
        self.wake = wake
        limits = engine.configuration.limits
        logger = engine.logger
        logger[metadataKey: "connection"] = "\(index)"
        backoff = Backoff(first: limits.firstReconnectDelay, longest: limits.longestReconnectDelay)
    }

    /// Works until the pool is closed.
    func work() {
        while true {
            switch engine.next(index) {
            case .connect:
                if connect() == nil { engine.connected(index) }
            case .check:
                if session?.isAlive() != true { dropSession() }
                engine.checked(index, isAlive: session != nil)
            case .run(let entry): serve(entry.payload)
            case .endLease:
                let completion = endLease()
                if case .disconnected = completion { dropSession() }
                _ = engine.finish(index, completion)
            case .stop:
                session = nil
                engine.stopped(index)
                return
            case .wait: preconditionFailure("the engine waits, the worker does not")
            }
        }
    }

    // MARK: Connection

    /// Opens a session. Returns why it failed, after the engine was told.
    private func connect() -> String? {
        do {
            session = try Session(engine.configuration, wake: wake, cancelSlots: engine.cancelSlots, logger: logger)
            backoff.reset()
            loggedReason = nil
            logger.info("PostgreSQL connected", metadata: ["server": "\(engine.configuration)"])
            return nil
        } catch {
            let level: Logger.Level = error.reason == loggedReason ? .debug : .warning
            logger.log(level: level, "PostgreSQL refused", metadata: ["reason": "\(error.reason)"])
            loggedReason = error.reason
            engine.connectFailed(
                index, reason: error.reason, retryAfter: backoff.delay(chance: Double.random(in: 0..<1)))
            return error.reason
        }
    }

    /// Closes the session, and says why unless that was the plan.
    private func dropSession() {
        if let reason = session?.lostReason {
            logger.warning("PostgreSQL connection lost", metadata: ["reason": "\(reason)"])
            engine.observer?.connectionChanged(.lost(reason: reason))
        }
        session = nil
        leasedForTransaction = nil
    }

    // MARK: Requests

    private func serve(_ request: PoolRequest) {
        let started = MonotonicTime.now()
        if session?.isAlive() != true {
            let reason = session?.lostReason ?? "no connection"
            let wasLeased = leasedForTransaction != nil
            dropSession()
            if wasLeased {
                _ = engine.finish(index, .disconnected)
                return engine.answer(request, .failure(.connectionLost(reason: reason, .none)), started: started)
            }
            // Nothing was sent, so a fresh connection may serve it.
            if let refusal = connect() {
                return engine.answer(request, .failure(.unavailable(reason: refusal)), started: started)
            }
            engine.observer?.connectionChanged(.opened)
        }
        var (result, completion) = perform(request)
        // Closed before it is answered, so that locks are given back by the time the caller goes on.
        if case .disconnected = completion { dropSession() }
        if let lease = engine.finish(index, completion), case .success(var reply) = result {
            reply.lease = lease
            result = .success(reply)
        }
        engine.answer(request, result, started: started)
    }

    private func perform(_ request: PoolRequest) -> (Result<PoolReply, PostgresError>, Completion) {
        guard let session else { preconditionFailure("a request is performed on an open session") }
        let bounds = request.bounds
        switch request.work {
        case .statements(let statements):
            return keepingTransaction(session, session.run(statements, bounds).map { PoolReply(rows: $0) })
        case .script(let sql):
            return keepingTransaction(session, session.runScript(sql, bounds).map { PoolReply() })
        case .lease(let mode, let until):
            if let mode, case .failure(let error) = session.run([mode.begin], bounds) {
                return (.failure(error), session.isReusable ? .ready : .disconnected)
            }
            leasedForTransaction = mode != nil
            return (.success(PoolReply()), .leased(until: until))
        case .commit:
            let result = session.commit(bounds)
            leasedForTransaction = nil
            return (result.map { PoolReply() }, session.isReusable ? .released : .disconnected)
        case .rollback, .close:
            return (.success(PoolReply()), endLease())
        }
    }

    /// The statement may have said BEGIN, COMMIT or ROLLBACK itself. Then what the caller believes of its transaction is
    /// wrong, and the connection is closed rather than lent on in that state.
    private func keepingTransaction(
        _ session: Session, _ result: Result<PoolReply, PostgresError>
    ) -> (Result<PoolReply, PostgresError>, Completion) {
        guard session.lostReason == nil else { return (result, .disconnected) }
        if case .failure(.readOnly) = result, session.isStandby {
            // The primary has moved. Connecting anew lets a list of hosts lead to it.
            session.lostReason = "the server is a standby"
            return (result, .disconnected)
        }
        let isInside = session.transactionStatus != PQTRANS_IDLE
        switch leasedForTransaction {
        case true?: return isInside ? (result, .ready) : (.failure(.transactionControl), .disconnected)
        case false?: return (result, .ready)
        case nil: return isInside ? (.failure(.transactionControl), .disconnected) : (result, .ready)
        }
    }

    /// Rolls back a transaction. A session in exclusive use is closed, with whatever was set or locked in it.
    private func endLease() -> Completion {
        guard let session, leasedForTransaction == true else { return .disconnected }
        leasedForTransaction = nil
        // The request's own time may be what has run out; the rollback has its own.
        let bounds = RequestBounds(deadline: .now() + limits.defaultDeadline, interruption: Interruption())
        _ = session.run([PostgresStatement("ROLLBACK")], bounds)
        return session.isReusable ? .released : .disconnected
    }
}

extension Session {
    /// Whether somebody else may use the session: it stands, outside any transaction.
    fileprivate var isReusable: Bool {
        lostReason == nil && transactionStatus == PQTRANS_IDLE
    }

    /// Commits the open transaction.
    fileprivate func commit(_ bounds: RequestBounds) -> Result<Void, PostgresError> {
        run([PostgresStatement("COMMIT")], bounds).flatMap { rows in
            // The server answers COMMIT of a failed transaction with success and the tag ROLLBACK.
            rows.first?.commandTag == "COMMIT" ? .success(()) : .failure(.transactionAborted)
        }
    }
}
