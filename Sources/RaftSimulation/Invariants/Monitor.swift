import ClusterState
import Raft

/// Sees every step of every node and checks everything that must hold after it. One file an invariant; each costs no more than
/// what has changed.
final class Monitor {
    // Unsafe, because it is read millions of times: the world owns this, and outlives it.
    unowned(unsafe) let world: World
    private(set) var committed = CommittedImmutable()
    private(set) var hash = TraceHash()
    private(set) var steps: UInt64 = 0
    private var electionSafety = ElectionSafety()
    private var termMonotonic: TermMonotonic
    private var voteOnce: VoteOnce
    private var logMatching = LogMatching()
    private var appliedMonotonic: AppliedMonotonic
    private(set) var stateMachineSafety = StateMachineSafety()
    private var sessionOnce = SessionOnce()
    private var configQuorumOverlap = ConfigQuorumOverlap()
    private var committedMembership: CommittedMembership

    init(world: World) {
        self.world = world
        termMonotonic = TermMonotonic(nodes: world.nodes.count)
        voteOnce = VoteOnce(nodes: world.nodes.count)
        appliedMonotonic = AppliedMonotonic(nodes: world.nodes.count)
        committedMembership = CommittedMembership(nodes: world.nodes.count)
    }

    func started(_ node: Node, _ restored: Raft.Restored) {
        check(node) { () throws(Violation) in
            try RecoveryKeepsPromises.check(node, restored)
            node.durable = DurableView(restored)
            termMonotonic.started(node, restored)
            appliedMonotonic.started(node, restored)
            committed.started(node, restored)
            committedMembership.started(node)
        }
    }

    func gotNewFolder(_ node: Node) { voteOnce.gotNewFolder(node) }

    func stepped(_ process: Process, _ input: Input, _ effects: [Effect]) {
        steps += 1
        mix(process, effects)
        for case .persist(let write) in effects where write.truncateFrom != nil { world.marks.hit(.entriesTruncated) }
        if world.trace.isOn { TraceLine.note(world, process, input, effects) }
        let node = process.node
        check(node) { () throws(Violation) in
            try termMonotonic.check(process)
            try electionSafety.check(process)
            let known = committed.count
            try committed.check(process)
            if committed.count > known {
                try CommittedOnQuorum.check(process, effects, committed, after: known, world)
                try ElectableIsComplete.check(committed, world)
            }
            try committedMembership.check(process)
            guard !effects.isEmpty else { return }
            try LeaderCompleteness.check(process, effects, committed)
            try logMatching.check(process, effects)
            try voteOnce.check(process, effects)
            try PromisesAreDurable.check(process, effects)
            try appliedMonotonic.check(process, effects)
            try configQuorumOverlap.check(process, effects)
            try BoundedQueues.check(process, effects)
        }
    }

    func applied(_ process: Process, _ entry: Entry, _ applied: Applied) {
        check(process.node) { () throws(Violation) in
            let isFirst = try stateMachineSafety.check(process, entry, applied, committed)
            guard isFirst else { return }
            try sessionOnce.check(applied)
            if let session = applied.session { world.workload.applied(session, applied.sequence, at: applied.index) }
            if applied.events.contains(where: { $0.kind == .taskCompleted }) { world.marks.hit(.taskCompleted) }
        }
        if applied.isDuplicate { world.marks.hit(.duplicateApplied) }
        hash.mix(applied.hash.word)
    }

    func installed(_ process: Process, _ state: ClusterState) {
        check(process.node) { () throws(Violation) in try stateMachineSafety.check(process, installed: state) }
    }

    func readAnswered(_ operation: OperationID, _ index: LogIndex, on process: Process) {
        check(process.node) { () throws(Violation) in
            try ReadIsLinearizable.check(
                world.workload.operations[operation], index, on: process, committed: committed.count)
        }
    }

    func acknowledged(_ index: LogIndex) {
        guard index.rawValue > UInt64(committed.count) else { return }
        world.fail(Violation("AckedDurable", "entry \(index) is acknowledged before it is committed"))
    }

    private func check(_ node: Node, _ body: () throws(Violation) -> Void) {
        do throws(Violation) {
            try body()
        } catch {
            world.fail(error)
        }
    }

    /// Two runs of one seed have the same hash, or something in the world is not determined by it.
    private func mix(_ process: Process, _ effects: [Effect]) {
        hash.mix(world.now)
        hash.mix(process.id.rawValue << 32 | UInt64(effects.count))
        for effect in effects { hash.mix(effect.fingerprint) }
        hash.mix(process.raft.commitIndex.rawValue)
    }
}

extension Effect {
    /// Numbers that differ where effects do; no hasher of the standard library, whose seed differs between processes.
    fileprivate var fingerprint: UInt64 {
        switch self {
        case .send(let message): message.fingerprint
        case .persist(let write):
            2 << 60 | write.token.rawValue << 24 | UInt64(write.entries.count) << 8
                | (write.hardState?.term.rawValue ?? 0)
        case .apply(let entries): 3 << 60 | (entries.last?.index.rawValue ?? 0) << 16 | UInt64(entries.count)
        case .readReady(let token, let index): 4 << 60 | token.rawValue << 30 | index.rawValue
        case .readRejected(let token, _): 5 << 60 | token.rawValue
        case .proposalsRejected(let tokens, _): 6 << 60 | UInt64(tokens.count)
        case .sendSnapshot(let peer, let descriptor): 7 << 60 | peer.rawValue << 48 | descriptor.position.index.rawValue
        case .installSnapshot(let descriptor): 8 << 60 | descriptor.position.index.rawValue
        case .compact(let through): 9 << 60 | through.rawValue
        case .roleChanged(let standing): 10 << 60 | UInt64(standing.role.rawValue) << 48 | standing.term.rawValue
        case .membershipChanged(let membership): 11 << 60 | UInt64(membership.members.count)
        case .membershipChangeAccepted(let token, let index): 13 << 60 | token << 30 | index.rawValue
        case .membershipChangeRejected(let token, _): 14 << 60 | token
        case .memberForgot(let peer, let acknowledged, _): 15 << 60 | peer.rawValue << 48 | acknowledged.rawValue
        case .transferEnded(let outcome): if case .completed = outcome { 12 << 60 | 1 } else { 12 << 60 }
        }
    }
}

extension Message {
    fileprivate var fingerprint: UInt64 {
        let detail: UInt64 =
            switch body {
            case .preVoteRequest(let last): 1 << 40 | last.index.rawValue
            case .preVoteResponse(let granted, let candidacy): 2 << 40 | candidacy.rawValue << 1 | (granted ? 1 : 0)
            case .voteRequest(let last, let transfer): 3 << 40 | last.index.rawValue << 1 | (transfer ? 1 : 0)
            case .voteResponse(let granted): 4 << 40 | (granted ? 1 : 0)
            case .appendEntries(let append):
                5 << 40 | append.previous.index.rawValue << 20 | UInt64(append.entries.count) << 10
                    | append.commit.rawValue
            case .appendAccepted(let match): 6 << 40 | match.rawValue
            case .appendRejected(let rejected, let hint): 7 << 40 | rejected.rawValue << 16 | hint.index.rawValue
            case .heartbeat(let commit, let round): 8 << 40 | commit.rawValue << 20 | round
            case .heartbeatResponse(let round): 9 << 40 | round
            case .installSnapshot(let descriptor): 10 << 40 | descriptor.position.index.rawValue
            case .timeoutNow: 11 << 40
            case .staleTerm: 12 << 40
            }
        return detail ^ (to.rawValue << 56) ^ (term.rawValue << 44)
    }
}

extension StateHash {
    var word: UInt64 {
        var hash = TraceHash()
        hash.mix(bytes)
        return hash.value
    }
}
