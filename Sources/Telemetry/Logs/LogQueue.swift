/// The bounded queue between the threads that log and the one that writes.
final class LogQueue: @unchecked Sendable {
    // Unchecked because the compiler does not see that `state` is touched under the monitor's lock only.
    private let monitor = Monitor()
    private var state = State()
    private let maximumEvents: Int
    private let maximumBytes: Int

    private struct State {
        var records: [LogRecord] = []
        var bytes = 0
        var dropped = 0
        var closed = false
        /// Records ever accepted, and those of them whose lines the sink has taken: what `awaitWritten` compares.
        var accepted = 0
        var written = 0
    }

    /// What the log thread takes at once.
    struct Batch {
        var records: [LogRecord]
        /// Events refused since the batch before.
        var dropped: Int
    }

    init(maximumEvents: Int, maximumBytes: Int) {
        self.maximumEvents = maximumEvents
        self.maximumBytes = maximumBytes
    }

    /// Adds the record, or refuses and counts it if the queue is full or closed. Never waits for the writer.
    func offer(_ record: LogRecord) -> Bool {
        let bytes = record.estimatedBytes
        return monitor.withLock {
            guard !state.closed, state.records.count < maximumEvents, state.bytes + bytes <= maximumBytes else {
                state.dropped += 1
                return false
            }
            state.records.append(record)
            state.bytes += bytes
            state.accepted += 1
            // The writer sleeps on an empty queue only, so a further record needs no call into the kernel.
            if state.records.count == 1 { monitor.broadcast() }
            return true
        }
    }

    /// Waits for records and takes them all; nil once the queue is closed and empty.
    func take() -> Batch? {
        monitor.withLock {
            while state.records.isEmpty && !state.closed { monitor.wait() }
            if state.records.isEmpty && state.dropped == 0 { return nil }
            let batch = Batch(records: state.records, dropped: state.dropped)
            state.records = []
            state.bytes = 0
            state.dropped = 0
            return batch
        }
    }

    /// Reports that the sink has taken the lines of so many records.
    func markWritten(_ count: Int) {
        monitor.withLock {
            state.written += count
            monitor.broadcast()
        }
    }

    /// Waits until everything that was accepted before the call is written; false if it is not by the deadline.
    func awaitWritten(timeout: Duration) -> Bool {
        let deadline = Monitor.deadline(after: timeout)
        return monitor.withLock {
            let target = state.accepted
            while state.written < target {
                if !monitor.wait(until: deadline) { return state.written >= target }
            }
            return true
        }
    }

    /// Refuses all further records. What is queued is still written.
    func close() {
        monitor.withLock {
            state.closed = true
            monitor.broadcast()
        }
    }
}
