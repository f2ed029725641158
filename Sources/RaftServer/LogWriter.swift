import Logging
import Raft
import WriteAheadLog

/// The thread that owns the log on disk. While one sync runs, what arrives gathers; the next sync takes all of it.
///
/// A full disk is not a broken one: the work that has no room waits, nothing of it is acknowledged, and nothing is lost. A disk that
/// fails ends the process.
final class LogWriter: Sendable {
    enum Request: Sendable {
        case write(Write)
        /// The state up to here is in a durable snapshot, received from the leader: what the log held before is void, and
        /// from `truncateFrom` on as well, where the log reaches so far.
        case install(LogPosition, truncateFrom: LogIndex?, installed: @Sendable () -> Void)
        /// Entries up to here are in a durable snapshot of this node.
        case compact(LogPosition, snapshot: LogPosition)
        /// The next segment, or why there is none.
        case spare(Result<PreparedSpare, WriteAheadLogError>)
    }

    /// Called on the log's thread.
    struct Callbacks: Sendable {
        /// Everything up to the token is durable.
        var persisted: @Sendable (WriteToken) -> Void
        var synced: @Sendable (_ microseconds: UInt64) -> Void
        /// The disk has become full, or has room again.
        var spaceChanged: @Sendable (LogTrouble?) -> Void
        /// The disk has failed.
        var failed: @Sendable (String) -> Never
    }

    private let requests = Mailbox<Request>()
    private let thread: ServerThread

    /// - Parameter opened: the log, which the new thread owns from then on.
    init(opened: OpenedOnce, limits: ServerLimits, logger: Logger, callbacks: Callbacks) {
        let requests = requests
        thread = ServerThread(name: "amas-log") {
            var writer = Writer(log: opened.take(), limits: limits, logger: logger, callbacks: callbacks)
            while let batch = requests.take(until: writer.nextAttempt) {
                writer.run(batch)
                writer.prepareSpare { requests.post(.spare($0)) }
            }
            writer.waitForSpare()
        }
    }

    /// Hands a log that was opened on one thread to the thread that will own it.
    final class OpenedOnce: @unchecked Sendable {  // Given up by the opener before the owner takes it.
        private let log: DurableLog

        init(_ log: DurableLog) {
            self.log = log
        }

        func take() -> DurableLog { log }
    }

    func post(_ request: Request) {
        requests.post(request)
    }

    /// Writes what is queued, as far as there is room, then ends. Blocks.
    func stop() {
        requests.close()
        thread.join()
    }
}

private struct Writer {
    /// What is done in order, each once what came before is durable.
    private enum Step {
        /// Then the token is durable.
        case write(ArraySlice<LogRecord>, WriteToken?)
        case compact(LogPosition)
        case call(@Sendable () -> Void)
    }

    private let log: DurableLog
    private let limits: ServerLimits
    private let logger: Logger
    private let callbacks: LogWriter.Callbacks
    /// Bounded by what Raft lets be uncommitted, here and in flight to here.
    private var steps: [Step] = []
    /// The write at the end of the steps: whatever follows it without something between goes into the same sync.
    private var gathered: [LogRecord] = []
    private var gatheredToken: WriteToken?
    private var preparation: ServerThread?
    private var space: LogTrouble?
    /// When the disk is looked at again that had no room; nil while it has.
    private(set) var nextAttempt: MonotonicTime?

    init(log: DurableLog, limits: ServerLimits, logger: Logger, callbacks: LogWriter.Callbacks) {
        self.log = log
        self.limits = limits
        self.logger = logger
        self.callbacks = callbacks
    }

    mutating func run(_ batch: [LogWriter.Request]) {
        for request in batch { take(request) }
        if space == .exhausted, let nextAttempt, MonotonicTime.now < nextAttempt { return }
        work()
    }

    private mutating func take(_ request: LogWriter.Request) {
        switch request {
        case .write(let write):
            gathered.append(contentsOf: write.records)
            gatheredToken = write.token
        case .install(let position, let truncateFrom, let installed):
            if let truncateFrom { gathered.append(.truncate(from: truncateFrom.rawValue)) }
            gathered.append(.snapshot(position))
            endWrite()
            steps += [.compact(position), .call(installed)]
        case .compact(let position, let snapshot):
            gathered.append(.snapshot(snapshot))
            endWrite()
            steps.append(.compact(position))
        case .spare(let result): takeSpare(result)
        }
    }

    private mutating func endWrite() {
        guard !gathered.isEmpty else { return }
        steps.append(.write(gathered[...], gatheredToken))
        gathered = []
        gatheredToken = nil
    }

    private mutating func work() {
        endWrite()
        var done = 0
        while done < steps.count {
            do throws(WriteAheadLogError) {
                try perform(done)
                done += 1
            } catch {
                guard case .noSpace = error else { callbacks.failed("\(error)") }
                steps.removeFirst(done)
                return waitForRoom(.exhausted, error)
            }
        }
        steps.removeAll(keepingCapacity: true)
        // There was room for a segment, but not yet for the one after it.
        if space == .exhausted { become(.full) }
    }

    private mutating func perform(_ place: Int) throws(WriteAheadLogError) {
        switch steps[place] {
        case .write(var rest, let token):
            steps[place] = .write([], token)
            while !rest.isEmpty || log.pendingBytes > 0 {
                let start: MonotonicTime
                do throws(WriteAheadLogError) {
                    rest = rest.dropFirst(try log.append(rest))
                    start = MonotonicTime.now
                    try log.sync()
                } catch {
                    // What the log has taken stays pending in it.
                    steps[place] = .write(rest, token)
                    throw error
                }
                callbacks.synced(MonotonicTime.now.microseconds - start.microseconds)
            }
            if let token { callbacks.persisted(token) }
        case .compact(let position):
            _ = try log.compact(through: .init(index: position.index.rawValue, term: position.term.rawValue))
        case .call(let call): call()
        }
    }

    // MARK: Room

    private mutating func become(_ new: LogTrouble?) {
        guard new != space else { return }
        space = new
        callbacks.spaceChanged(new)
        if let new {
            logger.error("\(new)")
        } else {
            logger.notice("there is room on the disk of the log again")
        }
    }

    private mutating func waitForRoom(_ trouble: LogTrouble, _ error: WriteAheadLogError) {
        logger.debug("no room for the log", metadata: ["error": "\(error)"])
        nextAttempt = MonotonicTime.now.adding(milliseconds: limits.roomMilliseconds)
        if space != .exhausted { become(trouble) }
    }

    private mutating func takeSpare(_ result: Result<PreparedSpare, WriteAheadLogError>) {
        log.finishSparePreparation(result)
        switch result {
        case .success:
            nextAttempt = nil
            if space != .exhausted { become(nil) }
        case .failure(let error):
            switch error {
            case .noSpace: waitForRoom(.full, error)
            case .failed(let cause) where cause.operation == .sync || cause.operation == .write:
                callbacks.failed("\(error)")
            default:
                // Such as too many open files: the log goes on without a spare.
                logger.warning("the next segment could not be prepared", metadata: ["error": "\(error)"])
                nextAttempt = MonotonicTime.now.adding(milliseconds: limits.roomMilliseconds)
            }
        }
    }

    /// The next segment is filled with zeros on a thread of its own, so that no write waits for it.
    mutating func prepareSpare(_ done: @escaping @Sendable (Result<PreparedSpare, WriteAheadLogError>) -> Void) {
        if let attempt = nextAttempt {
            let now = MonotonicTime.now
            guard now >= attempt else { return }
            nextAttempt = now.adding(milliseconds: limits.roomMilliseconds)
        }
        guard let job = log.sparePreparation() else { return }
        preparation = ServerThread(name: "amas-spare") { done(job.run()) }
    }

    /// The folder is free for the next process only when nobody writes in it any more.
    func waitForSpare() {
        preparation?.join()
    }
}

extension Write {
    /// Within a write: what is void goes first, then term and vote, then the entries that they allow.
    fileprivate var records: [LogRecord] {
        var records: [LogRecord] = []
        records.reserveCapacity(entries.count + 2)
        if let truncateFrom { records.append(.truncate(from: truncateFrom.rawValue)) }
        if let hardState {
            records.append(.vote(term: hardState.term.rawValue, votedFor: hardState.votedFor?.rawValue ?? 0))
        }
        for entry in entries {
            records.append(
                .entry(index: entry.index.rawValue, term: entry.term.rawValue, payload: EntryPayload.encode(entry)[...])
            )
        }
        return records
    }
}

extension LogRecord {
    fileprivate static func snapshot(_ position: LogPosition) -> LogRecord {
        .snapshot(index: position.index.rawValue, term: position.term.rawValue)
    }
}

/// An entry's bytes in the log: its kind (1), then its data.
enum EntryPayload {
    static func encode(_ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entry.data.count + 1)
        bytes.append(entry.kind.rawValue)
        bytes.append(contentsOf: entry.data)
        return bytes
    }

    /// Nil if the kind is not one that this version knows.
    static func decode(_ bytes: ArraySlice<UInt8>, index: LogIndex, term: Term) -> Entry? {
        guard let first = bytes.first, let kind = Entry.Kind(rawValue: first) else { return nil }
        return Entry(index: index, term: term, kind: kind, data: bytes.dropFirst())
    }
}
