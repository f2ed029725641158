public import Raft
import WriteAheadLog

/// Why a server did not start. The description is a sentence for the operator.
public enum ServerStartError: Error, CustomStringConvertible, Sendable {
    /// The log is damaged, of another node, or in use.
    case log(String)
    case snapshot(String)
    case transport(String)

    public var description: String {
        switch self {
        case .log(let sentence), .snapshot(let sentence), .transport(let sentence): sentence
        }
    }
}

/// What a node's folder holds, brought together: the newest snapshot, and the log that goes on from it.
struct ServerRecovery {
    var identity: ServerIdentity
    var log: LogWriter.OpenedOnce
    var store: SnapshotStore
    var payloads: PayloadStore
    var storedSnapshot: SnapshotStore.Stored?
    var restored: Raft.Restored
    var crashes: CrashGuard

    static func run(
        _ configuration: RaftServerConfiguration, machine: some ReplicatedStateMachine
    ) throws(ServerStartError) -> ServerRecovery {
        let storage = try openStorage(configuration)
        let opened = try openLog(configuration, in: storage)
        let payloads = try openPayloads(configuration, in: storage)
        do throws(ServerStartError) {
            return try run(configuration, machine: machine, opened, payloads)
        } catch {
            // The machine may outlive this attempt, and the folder is wanted for the next one.
            payloads.close()
            throw error
        }
    }

    private static func run(
        _ configuration: RaftServerConfiguration, machine: some ReplicatedStateMachine, _ opened: DurableLog.Opened,
        _ payloads: PayloadStore
    ) throws(ServerStartError) -> ServerRecovery {
        machine.use(payloads)
        let store = SnapshotStore(folder: configuration.folder, payloads: payloads)
        let stored: SnapshotStore.Stored?
        do {
            stored = try store.newest(beforeLogFrom: LogIndex(opened.recovered.base.index))
            if let stored { try install(stored, into: machine) }
        } catch SnapshotStore.Failure.damaged(let path, let reason) {
            throw .snapshot(
                "the snapshot \(path) is damaged (\(reason)), and the log no longer holds what was in it: "
                    + "this node must be replaced, not wiped")
        } catch {
            throw .snapshot("\(error)")
        }
        let bootstrap = opened.identity.joins ? .empty : configuration.bootstrap
        var restored = try restore(opened, stored: stored, bootstrap: bootstrap)
        let crashes: CrashGuard
        do {
            crashes = try CrashGuard(folder: configuration.folder, snapshot: restored.snapshot.position.index)
        } catch {
            throw .log("\(error)")
        }
        machine.recovered(restored.entries)
        let identity = ServerIdentity(
            node: configuration.node, incarnation: Incarnation(opened.identity.incarnation),
            boot: BootID(opened.identity.boot))
        restored.recognized = machine.recognized(asking: identity.node, identity.incarnation)
        restored.isNewcomer = opened.identity.joins && !(restored.recognized?.contains(identity.node) ?? true)
        return ServerRecovery(
            identity: identity,
            log: LogWriter.OpenedOnce(opened.log), store: store, payloads: payloads, storedSnapshot: stored,
            restored: restored, crashes: crashes)
    }

    fileprivate static func openStorage(
        _ configuration: RaftServerConfiguration
    ) throws(ServerStartError) -> any LogStorage {
        do throws(WriteAheadLogError) {
            return try configuration.openStorage(configuration.folder)
        } catch {
            throw .log(error.description)
        }
    }

    private static func openPayloads(
        _ configuration: RaftServerConfiguration, in storage: any LogStorage
    ) throws(ServerStartError) -> PayloadStore {
        do throws(PayloadStoreError) {
            return try PayloadStore.open(in: storage, limits: configuration.payloads)
        } catch {
            switch error {
            case .damaged: throw .snapshot("\(error): this node must be replaced, not wiped")
            case .unknownFormatVersion: throw .snapshot("\(error): upgrade this node")
            case .storage, .missing, .closed: throw .snapshot("\(error)")
            }
        }
    }

    fileprivate static func openLog(
        _ configuration: RaftServerConfiguration, in storage: any LogStorage
    ) throws(ServerStartError) -> DurableLog.Opened {
        do throws(WriteAheadLogError) {
            return try DurableLog.open(
                in: storage,
                owner: LogOwner(clusterID: configuration.clusterID, nodeID: configuration.node.rawValue, group: 0),
                whenEmpty: configuration.makesFolder
                    ? .format(
                        incarnation: UInt64.random(in: 1...UInt64.max), joins: configuration.bootstrap == .empty)
                    : .refuse,
                // A folder is not started once a second for long: those of the node's next one are beyond.
                firstBoot: wallTimeMicroseconds() / 1_000_000, limits: configuration.log)
        } catch {
            throw .log(error.description)
        }
    }

    private static func install(_ stored: SnapshotStore.Stored, into machine: some ReplicatedStateMachine) throws {
        let file = try SnapshotFile(reading: stored.path)
        var offset = stored.body.lowerBound
        try machine.install { maximum in
            let bytes = try file.read(at: offset, count: min(maximum, stored.body.upperBound - offset))
            offset += bytes.count
            return bytes
        }
    }

    private static func restore(
        _ opened: DurableLog.Opened, stored: SnapshotStore.Stored?, bootstrap: Membership
    ) throws(ServerStartError) -> Raft.Restored {
        let recovered = opened.recovered
        let vote = recovered.vote
        let hardState = HardState(term: Term(vote.term), votedFor: vote.votedFor == 0 ? nil : NodeID(vote.votedFor))
        let base = LogPosition(index: LogIndex(recovered.base.index), term: Term(recovered.base.term))
        guard let stored else {
            guard base.index == .zero else {
                throw .snapshot(
                    "the log begins after entry \(base.index), but the snapshot with what came before is missing: "
                        + "this node must be replaced, not wiped")
            }
            return Raft.Restored(
                hardState: hardState, snapshot: SnapshotDescriptor(position: .zero, membership: bootstrap),
                base: base, entries: try entries(recovered))
        }
        let snapshot = stored.descriptor.position
        guard snapshot.index >= base.index else {
            throw .snapshot(
                "the snapshot ends at entry \(snapshot.index), but the log begins after \(base.index): "
                    + "this node must be replaced, not wiped")
        }
        let found = try entries(recovered)
        let termInLog =
            snapshot.index == base.index ? base.term : found.first { $0.index == snapshot.index }?.term
        if termInLog == snapshot.term {
            return Raft.Restored(
                hardState: hardState, snapshot: stored.descriptor, base: base, entries: found)
        }
        // The node died between receiving the snapshot and marking it in the log: what the log holds beyond it is void.
        let newer = hardState.term < snapshot.term ? HardState(term: snapshot.term, votedFor: nil) : nil
        try beginAnew(opened.log, from: snapshot, last: found.last?.index ?? base.index, term: newer?.term)
        return Raft.Restored(
            hardState: newer ?? hardState, snapshot: stored.descriptor, base: snapshot, entries: [])
    }

    private static func beginAnew(
        _ log: DurableLog, from snapshot: LogPosition, last: LogIndex, term: Term?
    ) throws(ServerStartError) {
        var records: [LogRecord] = []
        if let term { records.append(.vote(term: term.rawValue, votedFor: 0)) }
        if snapshot.index <= last { records.append(.truncate(from: snapshot.index.rawValue)) }
        records.append(.snapshot(index: snapshot.index.rawValue, term: snapshot.term.rawValue))
        do throws(WriteAheadLogError) {
            _ = try log.append(records[...])
            try log.sync()
        } catch {
            throw .log(error.description)
        }
    }

    private static func entries(_ recovered: RecoveredLog) throws(ServerStartError) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(recovered.entries.count)
        for stored in recovered.entries {
            guard
                let entry = EntryPayload.decode(stored.payload, index: LogIndex(stored.index), term: Term(stored.term))
            else {
                throw .log("entry \(stored.index) was written by a newer version of this software: upgrade this node")
            }
            entries.append(entry)
        }
        return entries
    }
}

extension RaftServerConfiguration {
    /// Makes the folder of a new member: an empty log under a new incarnation, durable on return. Blocks on the disk. The member
    /// founds a cluster only if there is somebody in `bootstrap`.
    /// - Returns: the incarnation.
    /// - Throws: `ServerStartError` if the folder holds anything of a member already; nothing is changed then.
    @discardableResult
    public func makeNewFolder() throws(ServerStartError) -> Incarnation {
        var configuration = self
        configuration.makesFolder = true
        let storage = try ServerRecovery.openStorage(configuration)
        let found: NodeIdentity?
        do throws(WriteAheadLogError) {
            found = try NodeIdentity.read(from: storage)
        } catch {
            throw .log(error.description)
        }
        if let found, found.boot > 0 {
            throw .log(
                "the data folder \(folder) already is that of node \(found.nodeID) of cluster \(found.clusterID)")
        }
        return Incarnation(try ServerRecovery.openLog(configuration, in: storage).identity.incarnation)
    }
}
