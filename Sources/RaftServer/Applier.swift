import Logging
import Raft

/// The thread that applies committed entries, in order, and takes snapshots of what it applied. Raft bounds what it hands out.
final class Applier<Machine: ReplicatedStateMachine>: Sendable {
    enum Request: Sendable {
        case apply([Entry])
        /// A snapshot that came from the leader, durable and marked in the log.
        case install(SnapshotStore.Stored)
    }

    struct Callbacks: Sendable {
        var completed: @Sendable ([Completion<Machine.Outcome>]) -> Void
        var applied: @Sendable (LogIndex, _ microseconds: UInt64) -> Void
        var snapshotSaved: @Sendable (SnapshotStore.Stored) -> Void
        var snapshotFailed: @Sendable (SnapshotOperation) -> Void
        var installed: @Sendable (SnapshotDescriptor, _ clusterTimeMicroseconds: UInt64) -> Void
        var halted: @Sendable (StateMachineHalt) -> Void
    }

    private let requests = Mailbox<Request>()
    private let thread: ServerThread

    init(
        machine: Machine, restored: SnapshotDescriptor, crashes: CrashGuard, store: SnapshotStore, limits: ServerLimits,
        logger: Logger, callbacks: Callbacks
    ) {
        let requests = requests
        thread = ServerThread(name: "amas-apply") {
            var worker = Worker(
                machine: machine, covered: restored, crashes: crashes, store: store, limits: limits, logger: logger,
                callbacks: callbacks)
            crashes.watchThisThread()
            while let batch = requests.take(until: nil) {
                for request in batch {
                    guard worker.run(request) else { return }
                }
            }
            worker.waitForSnapshot()
        }
    }

    func post(_ request: Request) {
        requests.post(request)
    }

    /// Applies what is queued, then ends. Blocks.
    func stop() {
        requests.close()
        thread.join()
    }

    private struct Worker {
        let machine: Machine
        /// The membership after the last applied entry, and the position of that entry.
        var covered: SnapshotDescriptor
        var crashes: CrashGuard
        let store: SnapshotStore
        let limits: ServerLimits
        let logger: Logger
        let callbacks: Callbacks
        private var entriesSinceSnapshot: UInt64 = 0
        private var bytesSinceSnapshot = 0
        /// Of the last one written here.
        private var snapshotBytes = 0
        /// The size of each snapshot that was written; 0 where that failed.
        private let writing = Mailbox<Int>()
        private var isWriting = false

        init(
            machine: Machine, covered: SnapshotDescriptor, crashes: CrashGuard, store: SnapshotStore,
            limits: ServerLimits, logger: Logger, callbacks: Callbacks
        ) {
            self.machine = machine
            self.covered = covered
            self.crashes = crashes
            self.store = store
            self.limits = limits
            self.logger = logger
            self.callbacks = callbacks
        }

        /// Returns false once nothing more may be applied.
        mutating func run(_ request: Request) -> Bool {
            switch request {
            case .apply(let entries):
                for part in crashes.parts(of: entries) {
                    guard apply(part) else { return false }
                }
                snapshotIfDue()
            case .install(let stored):
                waitForSnapshot()
                guard install(stored) else { return false }
            }
            return true
        }

        private mutating func apply(_ entries: [Entry]) -> Bool {
            guard let last = entries.last else { return true }
            precondition(entries[0].index == covered.position.index.next, "entries are applied in order")
            let start = MonotonicTime.now
            let completions: [Completion<Machine.Outcome>]
            do throws(StateMachineHalt) {
                completions = try crashes.apply(entries, to: machine, logger)
            } catch {
                callbacks.halted(error)
                return false
            }
            for entry in entries {
                bytesSinceSnapshot += entry.sizeInBytes
                if entry.kind == .configuration, let membership = try? Membership(decoding: entry.data) {
                    covered.membership = membership
                }
            }
            entriesSinceSnapshot += UInt64(entries.count)
            covered.position = LogPosition(index: last.index, term: last.term)
            callbacks.applied(last.index, MonotonicTime.now.microseconds - start.microseconds)
            // Whoever has an outcome finds it among what is applied.
            callbacks.completed(completions)
            return true
        }

        /// The image is immutable: it is written beside while entries go on being applied.
        private mutating func snapshotIfDue() {
            if isWriting, let size = writing.take(until: MonotonicTime(microseconds: 0))?.last {
                isWriting = false
                snapshotBytes = size
            }
            guard !isWriting,
                entriesSinceSnapshot >= limits.snapshotAfterEntries || bytesSinceSnapshot >= limits.snapshotAfterBytes,
                bytesSinceSnapshot >= snapshotBytes / 4
            else { return }
            entriesSinceSnapshot = 0
            bytesSinceSnapshot = 0
            isWriting = true
            let (image, descriptor) = (machine.image(), covered)
            let (store, writing, logger, callbacks) = (store, writing, logger, callbacks)
            _ = ServerThread(name: "amas-snapshot") {
                var size = 0
                do {
                    if let stored = try store.save(descriptor, image: image) {
                        size = stored.body.count
                        callbacks.snapshotSaved(stored)
                    }
                } catch {
                    // Without it the log only grows; the next one tries again.
                    logger.error("a snapshot could not be written", metadata: ["error": "\(error)"])
                    callbacks.snapshotFailed(.save)
                }
                writing.post(size)
            }
        }

        mutating func waitForSnapshot() {
            while isWriting, writing.take(until: nil)?.isEmpty != false {}
            isWriting = false
        }

        private mutating func install(_ stored: SnapshotStore.Stored) -> Bool {
            do {
                let file = try SnapshotFile(reading: stored.path)
                var offset = stored.body.lowerBound
                try machine.install { maximum in
                    let bytes = try file.read(at: offset, count: min(maximum, stored.body.upperBound - offset))
                    offset += bytes.count
                    return bytes
                }
            } catch {
                callbacks.snapshotFailed(.install)
                callbacks.halted(StateMachineHalt(reason: "the snapshot \(stored.path) cannot be installed: \(error)"))
                return false
            }
            covered = stored.descriptor
            entriesSinceSnapshot = 0
            bytesSinceSnapshot = 0
            callbacks.installed(stored.descriptor, machine.clusterTimeMicroseconds)
            return true
        }
    }
}
