import CPostgres
import Glibc

extension Session {
    enum InterruptionCause {
        case deadline
        case canceled
    }

    /// How a conversation with the server ended.
    enum Ending {
        /// All results are here. The cause says that we had asked the server to cancel, heeded or not.
        case complete(InterruptionCause?)
        /// The server did not answer in time, nor to the wish to cancel. The session is closed.
        case abandoned(InterruptionCause)
        /// The connection broke; `lostReason` says how.
        case lost
    }

    /// Sends what libpq has buffered and hands every result to `take` until that says it has them all.
    ///
    /// Reads while it writes: with a large batch the server stops reading once nobody takes its answers, and waiting only
    /// for writability would then be a deadlock. `take` is given nil where libpq ends a statement, and owns the results.
    func converse(_ bounds: RequestBounds, take: (OpaquePointer?) -> Bool) -> Ending {
        var isComplete = false
        var cancel: (cause: InterruptionCause, request: CancelRequest, graceEnd: MonotonicTime)?
        while true {
            if !isComplete { isComplete = takeAvailable(take) }
            if lostReason != nil { return .lost }
            // The connection may carry another statement only once our cancel can no longer hit that one.
            if isComplete, cancel?.request.hasEnded ?? true { return .complete(cancel?.cause) }

            let now = MonotonicTime.now()
            if let cancel {
                if now >= cancel.graceEnd {
                    lostReason = "no answer to a cancel request"
                    return isComplete ? .complete(cancel.cause) : .abandoned(cancel.cause)
                }
            } else if let cause = interruptionCause(bounds, now: now) {
                guard let request = CancelRequest(connection, slots: cancelSlots, wake: wake) else {
                    lostReason = "too many cancel requests under way"
                    return .abandoned(cause)
                }
                cancel = (cause, request, now + limits.cancelGrace)
            }
            waitForSocket(until: cancel?.graceEnd ?? bounds.deadline, isComplete: isComplete, take: take)
        }
    }

    private func interruptionCause(_ bounds: RequestBounds, now: MonotonicTime) -> InterruptionCause? {
        if bounds.interruption.isRaised { return .canceled }
        return now >= bounds.deadline ? .deadline : nil
    }

    /// Hands on what can be had without waiting. True once `take` has all.
    private func takeAvailable(_ take: (OpaquePointer?) -> Bool) -> Bool {
        var endsInRow = 0
        while PQisBusy(connection) == 0 {
            let result = PQgetResult(connection)
            if take(result) { return true }
            endsInRow = result == nil ? endsInRow + 1 : 0
            // libpq ends each statement by one nil. More of them mean that it expects nothing further, while we do.
            if endsInRow > 2 {
                lostReason = PQstatus(connection) == CONNECTION_BAD ? errorText : "answers out of step"
                return false
            }
        }
        return false
    }

    /// One round of writing, waiting and reading.
    private func waitForSocket(until limit: MonotonicTime, isComplete: Bool, take: (OpaquePointer?) -> Bool) {
        let unsent = PQflush(connection)
        guard unsent >= 0 else { return lose(take) }
        let events = unsent == 1 ? POLLIN | POLLOUT : POLLIN
        var descriptors = [
            pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0),
            pollfd(fd: wake.readEnd, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&descriptors, 2, limit.pollTimeoutMilliseconds(from: .now()))
        guard ready > 0 else { return }
        if descriptors[1].revents != 0 { wake.drain() }
        if descriptors[0].revents & ~Int16(POLLOUT) != 0, PQconsumeInput(connection) == 0 {
            lose(isComplete ? { _ in true } : take)
        }
    }

    /// The connection broke. What the server said last (that it shuts down, say) is still to be had.
    private func lose(_ take: (OpaquePointer?) -> Bool) {
        lostReason = errorText
        while PQisBusy(connection) == 0, let result = PQgetResult(connection) {
            if take(result) { return }
        }
    }
}
