public import ClusterState
public import Raft
import RaftServer
import SwiftProtobuf
import Synchronization

// What a node does for the cluster on its own account: keep itself a member, report its state's hash, and, as the leader, create
// the cluster, fire timers, and declare nodes gone. Every command here is idempotent by its nature and repeated until the
// state shows its effect, so that none of it needs a memory.
extension Cluster {
    func performDuties() {
        guard let status = server.status else { return }
        if let halted = status.halted { return sessionGate.fail(.stopped(reason: halted.reason)) }
        if status.hasLostMajority { sessionGate.fail(.noQuorum) }
        sessionGate.expire(.now)
        contact.observe(status)
        let state = machine.state
        if let reason = reasonToEnd(status, state) { hooks.excluded(reason) }
        if addresses.update(own: identity.node, status.membership, state) { server.setPeers(addresses.current) }
        if status.standing.role == .leader {
            reportMembers(status)
            lead(status, state)
            leaveLead(status, state)
        }
        verifyFolder(state)
        if state.shallLeave(identity.node) { tellToLeave() }
        keepMembership(status, state)
    }

    /// Proposes unless the same was proposed a moment ago.
    /// - Parameter longestMilliseconds: of the waits, each twice the one before; nil if they are all the same.
    func repeatUntilSeen(
        _ duty: Duty, longestMilliseconds: UInt64? = nil, _ body: @autoclosure () -> Command.OneOf_Body
    ) {
        let mayPropose = pace.mayPropose(
            duty, interval: .milliseconds(configuration.limits.repeatMilliseconds),
            longest: longestMilliseconds.map { .milliseconds($0) })
        if mayPropose { proposeOnce(body()) }
    }

    private func keepMembership(_ status: ServerStatus, _ state: ClusterState) {
        guard state.clusterID != nil else { return }
        let record = state.node(identity.node)
        let reason = reasonToSuspend(status, state)
        let reasonInState = record?.status == .suspended ? record?.record.suspensionReason : nil
        let isTold = reason.map { UInt32($0.rawValue) } == reasonInState
        if isTold { pace.seen(.suspended) }
        if isWithdrawn {
            // Also for a run before this one, if that ended without a word.
            guard let record, record.status != .left else { return }
            return proposeLeft(record.id, record.record.bootID, .shutdown, status)
        }
        if let record, record.record.bootID == identity.boot.rawValue, record.status != .left {
            if let reason { return isTold ? () : suspend(reason) }
            if record.status == .available { return }
        }
        // One that drains by request needs its session all the same: it becomes available, then suspended.
        guard !isDraining, !state.shallLeave(identity.node),
            state.members.isEmpty || state.member(identity.node) != nil
        else { return }
        repeatUntilSeen(
            .available,
            .nodeAvailable(
                .with {
                    $0.nodeID = identity.node.rawValue
                    $0.bootID = identity.boot.rawValue
                    $0.incarnation = identity.incarnation.rawValue
                    $0.name = configuration.name
                    $0.slots = configuration.slots
                    $0.machineVersionMax = configuration.server.machineVersionMax
                    $0.peerAddress = "\(configuration.server.advertised ?? configuration.server.listen)"
                    $0.httpAddress = configuration.httpAddress
                    $0.softwareVersion = configuration.server.softwareVersion
                }))
    }

    /// Why this node shall get no new tasks; nil if it may.
    private func reasonToSuspend(_ status: ServerStatus, _ state: ClusterState) -> SuspensionReasonCode? {
        // A disk that takes nothing is what the others must know, whatever else is wanted of this node.
        if status.logTrouble?.isOfRoom == true { return .diskStall }
        if isDraining || state.shallDrain(identity.node) { return .drain }
        // What it has not written it does not apply: tasks that it was given would wait for its disk.
        return status.logTrouble == .stalled ? .lag : nil
    }

    /// No new tasks for this node; what runs goes on. A node whose disk takes nothing may not see for hours that it was heard.
    private func suspend(_ reason: SuspensionReasonCode) {
        repeatUntilSeen(
            .suspended, longestMilliseconds: configuration.limits.suspensionRepeatMilliseconds,
            .nodeSuspended(
                .with {
                    $0.nodeID = identity.node.rawValue
                    $0.bootID = identity.boot.rawValue
                    $0.reasonCode = reason
                }))
    }

    private func proposeLeft(_ node: NodeID, _ boot: UInt64, _ cause: DepartureCode, _ status: ServerStatus) {
        repeatUntilSeen(
            .left(node),
            .nodeLeft(
                .with {
                    $0.nodeID = node.rawValue
                    $0.bootID = boot
                    $0.proposerTerm = status.standing.term.rawValue
                    $0.departureCode = cause
                }))
    }

    /// Proposes until the state shows that this node has left, or there is no hope of it.
    func leave() async {
        let limits = configuration.limits
        let deadline = ContinuousClock.now + .milliseconds(limits.leaveMilliseconds)
        while ContinuousClock.now < deadline, let status = server.status, status.halted == nil, !status.hasLostMajority
        {
            guard let record = machine.state.node(identity.node)?.record, record.bootID == identity.boot.rawValue,
                record.status != .left
            else { return }
            proposeLeft(identity.node, record.bootID, .shutdown, status)
            do {
                try await Task.sleep(for: .milliseconds(5))
            } catch {
                return
            }
        }
    }

    private func lead(_ status: ServerStatus, _ state: ClusterState) {
        guard state.clusterID != nil else {
            return repeatUntilSeen(
                .create,
                .clusterCreated(
                    .with {
                        $0.clusterID = configuration.server.clusterID
                        $0.generation = 1
                        $0.settings = configuration.settings
                        // Before the second version the command had no such field.
                        let version = beginningVersion(status)
                        $0.machineVersion = version == 1 ? 0 : version
                    }))
        }
        fireTimers(status, state)
        declareGone(status, state)
        raiseVersion(status, state)
        reconcileMembers(status, state)
    }

    private func fireTimers(_ status: ServerStatus, _ state: ClusterState) {
        guard let due = state.nextTimer, due.microseconds <= status.clusterTimeMicroseconds else { return }
        let moment = status.clusterTimeMicroseconds
        // Until the last one has been applied another would only repeat it; then the rest follows at once.
        guard
            pace.mayFire(appliedThrough: state.index, interval: .milliseconds(configuration.limits.repeatMilliseconds))
        else { return }
        proposeOnce(.timersDue(.with { $0.timeMicroseconds = moment }))
    }

    /// A node is gone after an interval without contact, or when nothing listens any more where it was. A new leader, and
    /// one that had no turn for long, first gives everybody one whole interval of its own.
    private func declareGone(_ status: ServerStatus, _ state: ClusterState) {
        let interval = configuration.limits.detectionMilliseconds
        let watched = watch.look(
            at: .now - .milliseconds(status.millisecondsOld), pause: .milliseconds(interval / 2))
        let hadTime = watched >= .milliseconds(interval)
        for node in state.nodes where node.id != identity.node {
            switch node.status {
            case .left: continue
            case .available, .suspended: break
            }
            let isGone: Bool
            if let peer = status.peers.first(where: { $0.id == node.id }) {
                let isSilent = peer.millisecondsSinceContact >= interval
                isGone = isSilent && hadTime || watch.hasRefused(node.id) && !peer.isReachable
            } else {
                // Of a former cluster, whose quorum was lost.
                isGone = hadTime && !status.membership.members.contains(node.id)
            }
            if isGone { proposeLeft(node.id, node.record.bootID, .lost, status) }
        }
    }

    // MARK: State hash

    /// The state's hash at an index at which other nodes tell theirs as well, or, in a young log, at the last one.
    public var comparableHash: (index: LogIndex, hash: StateHash)? {
        let state = machine.state
        let round = HashExchange.round(before: state.index)
        if let hash = machine.hash(at: round) { return (round, hash) }
        return state.index == .zero ? nil : (state.index, state.hash)
    }

    func reportHash() {
        let state = machine.state
        guard state.index > .zero else { return }
        let round = HashExchange.round(before: state.index)
        for index in [round, state.index] {
            guard let hash = machine.hash(at: index) else { continue }
            let report = HashExchange.Report(machineVersion: state.machineVersion, index: index, hash: hash)
            broadcast(.stateHash, report.encoded())
        }
    }

    func receiveHashReport(_ bytes: [UInt8], from node: NodeID) {
        guard node != identity.node, let report = HashExchange.Report(decoding: bytes), let status = server.status,
            report.machineVersion == machine.state.machineVersion
        else { return }
        let verdict = hashes.withLock {
            $0.receive(report, from: node, own: { machine.hash(at: $0) }, voters: status.membership)
        }
        switch verdict {
        case .agreed: break
        case .contradicted(let index):
            server.halt(StateMachineHalt(reason: "a quorum has another state than this node at entry \(index)"))
        case .undecidable(let index):
            server.halt(
                StateMachineHalt(reason: "the members have different states at entry \(index), and no majority agrees"))
        }
    }
}

/// What a node may have proposed a moment ago.
enum Duty: Hashable, Sendable {
    case create
    case available
    case suspended
    case left(NodeID)
    case raiseVersion
    case foundMembers
    case changeMembership
    case verifyFolder
    case handOverLeadership
}
