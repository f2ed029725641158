import Logging
import Raft
import WriteAheadLog

/// The thread that owns the log on disk. While one sync runs, what arrives gathers; the next sync takes all of it.
final class LogWriter: Sendable {
    enum Request: Sendable {
        case write(Write)
        /// The state up to here is in a durable snapshot, received from the leader: what the log held before is void, and
        /// from `truncateFrom` on as well, where the log reaches so far.
        case install(LogPosition, truncateFrom: LogIndex?, installed: @Sendable () -> Void)
        /// Entries up to here are in a durable snapshot of this node.
        case compact(LogPosition, snapshot: LogPosition)
        case spare(@Sendable (DurableLog) -> Void)
    }

    private let requests = Mailbox<Request>()
    private let thread: ServerThread

    /// - Parameters:
    ///   - open: opens the log on the new thread, which owns it from then on.
    ///   - persisted: called on the log's thread once everything up to the token is durable.
    ///   - failed: called when the disk has failed; it does not return.
    init(
        opened: OpenedOnce, logger: Logger,
        persisted: @escaping @Sendable (WriteToken) -> Void,
        synced: @escaping @Sendable (_ microseconds: UInt64) -> Void, failed: @escaping @Sendable (String) -> Never
    ) {
        let requests = requests
        thread = ServerThread(name: "amas-log") {
            var writer = Writer(log: opened.take(), logger: logger, failed: failed)
            while let batch = requests.take(until: nil) {
                writer.run(batch, persisted: persisted, synced: synced)
                writer.prepareSpare { result in requests.post(.spare { $0.finishSparePreparation(result) }) }
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

    /// Writes what is queued, then ends. Blocks.
    func stop() {
        requests.close()
        thread.join()
    }
}

private struct Writer {
    let log: DurableLog
    let logger: Logger
    let failed: @Sendable (String) -> Never
    private var preparation: ServerThread?

    init(log: DurableLog, logger: Logger, failed: @escaping @Sendable (String) -> Never) {
        self.log = log
        self.logger = logger
        self.failed = failed
    }

    mutating func run(
        _ batch: [LogWriter.Request], persisted: (WriteToken) -> Void, synced: (UInt64) -> Void
    ) {
        var records: [LogRecord] = []
        var token: WriteToken?
        for request in batch {
            switch request {
            case .write(let write):
                records.append(contentsOf: write.records)
                token = write.token
            case .install(let position, let truncateFrom, let installed):
                if let truncateFrom { records.append(.truncate(from: truncateFrom.rawValue)) }
                records.append(.snapshot(position))
                write(records, synced: synced)
                records = []
                if let token { persisted(token) }
                token = nil
                compact(position)
                installed()
            case .compact(let position, let snapshot):
                records.append(.snapshot(snapshot))
                write(records, synced: synced)
                records = []
                if let token { persisted(token) }
                token = nil
                compact(position)
            case .spare(let finish):
                finish(log)
            }
        }
        write(records, synced: synced)
        if let token { persisted(token) }
    }

    private mutating func write(_ records: [LogRecord], synced: (UInt64) -> Void) {
        var rest = records[...]
        while !rest.isEmpty {
            do {
                rest = rest.dropFirst(try log.append(rest))
                let start = MonotonicTime.now
                try syncWaitingForSpace()
                synced(MonotonicTime.now.microseconds - start.microseconds)
            } catch {
                failed("\(error)")
            }
        }
    }

    /// A full disk is not a broken one: nothing is acknowledged until there is room, and nothing is lost.
    private func syncWaitingForSpace() throws(WriteAheadLogError) {
        var complained = false
        while true {
            do throws(WriteAheadLogError) {
                return try log.sync()
            } catch {
                guard case .noSpace = error else { throw error }
                if !complained {
                    logger.error("the log's disk is full; waiting for space", metadata: ["error": "\(error)"])
                }
                complained = true
                sleepMilliseconds(200)
            }
        }
    }

    private func compact(_ position: LogPosition) {
        do {
            _ = try log.compact(through: .init(index: position.index.rawValue, term: position.term.rawValue))
        } catch {
            failed("\(error)")
        }
    }

    /// The next segment is filled with zeros on a thread of its own, so that no write waits for it.
    mutating func prepareSpare(_ done: @escaping @Sendable (Result<PreparedSpare, WriteAheadLogError>) -> Void) {
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
