import CCurl
import Synchronization

typealias TransferID = UInt64

/// What other threads want of libcurl's thread. Bounded: a transfer is admitted or refused here, in the caller's
/// thread, and each admitted one can add a few commands at most.
final class DriverMailbox: Sendable {
    enum Command: Sendable {
        case start(TransferID, TransferPlan, ResponseChannel)
        case cancel(TransferID)
        case release(TransferID)
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var admitted = 0
        var lastID: TransferID = 0
        /// The multi handle, for `curl_multi_wakeup` only, which libcurl permits from any thread.
        var multi: UnsafeMutableRawPointer?
        var isStopping = false
        var isStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(limits: EgressLimits) {
        capacity = limits.concurrentTransfers + limits.waitingTransfers
    }

    /// Transfers that were admitted and have not ended.
    var admitted: Int { state.withLock { $0.admitted } }

    // MARK: any thread

    func submit(_ plan: TransferPlan, to channel: ResponseChannel) throws(EgressError) -> TransferID {
        let result: Result<TransferID, EgressError> = state.withLock { state in
            guard !state.isStopping else { return .failure(.shutDown) }
            guard state.admitted < capacity else { return .failure(.overloaded) }
            state.admitted += 1
            state.lastID += 1
            DriverMailbox.post(.start(state.lastID, plan, channel), in: &state)
            return .success(state.lastID)
        }
        return try result.get()
    }

    func cancel(_ id: TransferID) {
        state.withLock { DriverMailbox.post(.cancel(id), in: &$0) }
    }

    func release(_ id: TransferID) {
        state.withLock { DriverMailbox.post(.release(id), in: &$0) }
    }

    func stop() {
        state.withLock { state in
            guard !state.isStopping else { return }
            state.isStopping = true
            DriverMailbox.post(.stop, in: &state)
        }
    }

    /// Returns once libcurl's thread has ended every transfer and released everything.
    func stopped() async {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if !state.isStopped { state.stopWaiters.append(continuation) }
                return state.isStopped
            }
            if isStopped { continuation.resume() }
        }
    }

    // MARK: libcurl's thread

    func open(_ multi: UnsafeMutableRawPointer) {
        // The address travels as a number: the handle itself stays with its thread.
        let address = UInt(bitPattern: multi)
        state.withLock { $0.multi = UnsafeMutableRawPointer(bitPattern: address) }
    }

    func takeCommands() -> [Command] {
        state.withLock { state in
            let commands = state.commands
            state.commands.removeAll()
            return commands
        }
    }

    func transferEnded() {
        state.withLock { $0.admitted -= 1 }
    }

    /// Nobody wakes the multi handle after this returns, so that it can be released.
    func close() {
        state.withLock { state in
            state.multi = nil
            state.isStopping = true
            state.commands.removeAll()
        }
    }

    func announceStop() {
        let waiters = state.withLock { state in
            state.isStopped = true
            let waiters = state.stopWaiters
            state.stopWaiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// A wake-up stays pending until the next poll, so one for the first command is enough for all that follow it.
    private static func post(_ command: Command, in state: inout State) {
        guard !state.isStopped else { return }
        state.commands.append(command)
        if state.commands.count == 1, let multi = state.multi { curl_multi_wakeup(multi) }
    }
}
