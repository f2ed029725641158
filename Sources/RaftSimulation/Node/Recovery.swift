import ClusterState
import Raft
import WriteAheadLog

/// What a node's disk holds, brought together: the newest snapshot, and the log that goes on from it. Mirrors
/// `RaftServer.ServerRecovery`.
struct Recovery {
    var boot: BootID
    var log: DurableLog
    var payloads: PayloadStore
    var stored: SnapshotFiles.Stored?
    var machine: ClusterState
    var restored: Raft.Restored
    /// The last write before the crash had reached the disk in part.
    var hadTornTail: Bool

    /// Why a node does not start. It stays down, and its files are kept.
    struct Refusal: Error {
        var reason: String
        /// The disk failed or was full, and may work at the next start.
        var isPassing = false
    }

    static func run(_ node: Node, bootstrap: Membership, limits: DurableLog.Limits) throws(Refusal) -> Recovery {
        let opened: DurableLog.Opened
        do throws(WriteAheadLogError) {
            #if AMAS_MUTANTS
                let whenEmpty: DurableLog.WhenEmpty =
                    Mutant.active == .wipedDiskIsFormatted ? .format(incarnation: node.incarnation) : .refuse
            #else
                let whenEmpty = DurableLog.WhenEmpty.refuse
            #endif
            opened = try DurableLog.open(
                in: node.disk, owner: node.owner, whenEmpty: whenEmpty, firstBoot: node.firstBoot, limits: limits)
        } catch {
            throw Refusal(error)
        }
        let payloads: PayloadStore
        do throws(PayloadStoreError) {
            payloads = try PayloadStore.open(in: node.disk, limits: payloadLimits)
        } catch {
            let isPassing = if case .storage = error { true } else { false }
            throw Refusal(reason: "\(error)", isPassing: isPassing)
        }
        let stored: SnapshotFiles.Stored?
        do throws(SnapshotFiles.Failure) {
            stored = try SnapshotFiles(disk: node.disk).newest(
                beforeLogFrom: LogIndex(opened.recovered.base.index), payloads)
        } catch {
            throw Refusal(reason: "\(error)")
        }
        var machine = ClusterState(supporting: node.version)
        if let stored {
            do throws(SnapshotError) {
                machine = try ClusterState(snapshot: stored.state, supporting: node.version)
            } catch {
                throw Refusal(reason: "a whole snapshot file holds no state: \(error)")
            }
        }
        machine.payloadSource = SimulatedPayloads(payloads)
        return Recovery(
            boot: BootID(opened.identity.boot), log: opened.log, payloads: payloads, stored: stored,
            machine: machine,
            restored: try restore(
                opened, stored: stored, bootstrap: opened.identity.joins ? .empty : bootstrap),
            hadTornTail: opened.recovered.cutTail != nil)
    }

    /// So small that segments fill, and what lives in them moves.
    private static var payloadLimits: PayloadStore.Limits {
        var limits = PayloadStore.Limits()
        (limits.segmentBytes, limits.rewrittenBytes, limits.segmentCount) = (16 << 10, 32 << 10, 4)
        return limits
    }

    private static func restore(
        _ opened: DurableLog.Opened, stored: SnapshotFiles.Stored?, bootstrap: Membership
    ) throws(Refusal) -> Raft.Restored {
        let recovered = opened.recovered
        let vote = recovered.vote
        let hardState = HardState(term: Term(vote.term), votedFor: vote.votedFor == 0 ? nil : NodeID(vote.votedFor))
        let base = LogPosition(index: LogIndex(recovered.base.index), term: Term(recovered.base.term))
        var entries: [Entry] = []
        entries.reserveCapacity(recovered.entries.count)
        for stored in recovered.entries {
            guard let entry = Entry(stored) else { throw Refusal(reason: "entry \(stored.index) cannot be read") }
            entries.append(entry)
        }
        guard let snapshot = stored?.descriptor else {
            guard base.index == .zero else {
                throw Refusal(reason: "the snapshot before entry \(base.index) is missing")
            }
            return Raft.Restored(
                hardState: hardState, snapshot: SnapshotDescriptor(position: .zero, membership: bootstrap),
                base: base, entries: entries)
        }
        guard snapshot.position.index >= base.index else {
            throw Refusal(reason: "the snapshot ends at \(snapshot.position.index), the log begins after \(base.index)")
        }
        let termInLog =
            snapshot.position.index == base.index
            ? base.term : entries.first { $0.index == snapshot.position.index }?.term
        if termInLog == snapshot.position.term {
            return Raft.Restored(hardState: hardState, snapshot: snapshot, base: base, entries: entries)
        }
        // The node died between receiving the snapshot and marking it in the log: what the log holds beyond it is void.
        let newer =
            hardState.term < snapshot.position.term
            ? HardState(term: snapshot.position.term, votedFor: nil) : nil
        var records: [LogRecord] = []
        if let newer { records.append(.vote(term: newer.term.rawValue, votedFor: 0)) }
        if snapshot.position.index <= (entries.last?.index ?? base.index) {
            records.append(.truncate(from: snapshot.position.index.rawValue))
        }
        records.append(.snapshot(snapshot.position))
        do throws(WriteAheadLogError) {
            _ = try opened.log.append(records[...])
            try opened.log.sync()
        } catch {
            throw Refusal(error)
        }
        return Raft.Restored(
            hardState: newer ?? hardState, snapshot: snapshot, base: snapshot.position, entries: [])
    }
}

extension Recovery.Refusal {
    init(_ error: WriteAheadLogError) {
        reason = "\(error)"
        switch error {
        case .failed, .noSpace: isPassing = true
        case .damaged, .belongsElsewhere, .refused, .unknownFormatVersion, .folderInUse, .payloadTooLarge: break
        }
    }
}

extension ClusterState {
    init(snapshot bytes: ArraySlice<UInt8>, supporting version: UInt32) throws(SnapshotError) {
        var reader = SnapshotReader(supporting: version)
        try reader.append(bytes)
        self = try reader.finish()
    }

    var snapshotBytes: [UInt8] {
        var writer = SnapshotWriter(self)
        var bytes: [UInt8] = []
        while let chunk = writer.next() { bytes.append(contentsOf: chunk) }
        return bytes
    }
}
