public import ClusterState
import Logging
public import Raft
public import RaftServer

/// How fresh a read must be.
public enum ReadConsistency: Equatable, Sendable {
    /// Covers every write that was acknowledged, by anybody, before the read began. Needs a quorum.
    case strong
    /// Covers everything up to a revision that the client has seen. Needs a quorum only where this node is behind it.
    case session(Revision)
    /// Whatever this node has, once it has read the log at all.
    case stale
}

extension Cluster {
    /// Proposes a command and waits until this node has applied it. Held through elections; acts once however often it travels.
    /// - Throws: `RequestError`; nothing has had any effect after `overloaded`, `tooLarge` and `diskFull`; after `noQuorum`, `timedOut`, `stopped` and `cancelled` the command may still take effect.
    public func propose(
        _ body: Command.OneOf_Body, tenant: String = Cluster.defaultTenant, trace: Envelope.Trace = .none
    ) async throws(RequestError) -> Outcome {
        if let halted { throw .stopped(reason: halted.reason) }
        try await waitForSession()
        let command = Command(body)
        guard !body.bringsWork || hasRoomForWork else { throw .diskFull }
        guard mayPropose(command) else { return .rejected(.invalid(field: "machine_version")) }
        return try await server.propose { session, sequence, floor throws(RequestError) in
            try Self.encode(command, session: session, sequence: sequence, floor: floor, tenant: tenant, trace: trace)
        }
    }

    /// Proposes a command that is idempotent by its nature, once and without waiting: whoever needs it looks at the state and
    /// repeats it.
    public func proposeOnce(_ body: Command.OneOf_Body) {
        let command = Command(body)
        guard mayPropose(command) else { return }
        do throws(RequestError) {
            server.proposeWithoutSession(
                try Self.encode(
                    command, session: nil, sequence: 0, floor: 0, tenant: Self.defaultTenant, trace: .none))
        } catch {
            logger.error("a command could not be encoded", metadata: ["error": "\(error)"])
        }
    }

    /// Nothing above the active version enters the log: a member that does not know it would stop there.
    private func mayPropose(_ command: Command) -> Bool { command.machineVersion <= machine.state.machineVersion }

    public static var defaultTenant: String { "default" }

    private static func encode(
        _ command: Command, session: Envelope.Session?, sequence: UInt64, floor: UInt64, tenant: String,
        trace: Envelope.Trace
    ) throws(RequestError) -> [UInt8] {
        do throws(CommandEncodingError) {
            return try Envelope(
                command: command, session: session, sequence: sequence, floor: floor, tenant: tenant, trace: trace
            ).encoded()
        } catch {
            switch error {
            case .tooLarge(_, let limit): throw .tooLarge(limitBytes: Int(limit))
            }
        }
    }

    /// A node proposes in a session that the log has opened for this run of it.
    private func waitForSession() async throws(RequestError) {
        if hasRecovered { return }
        try await sessionGate.wait(isOpen: { [self] in hasRecovered })
    }

    /// The state, at least as fresh as asked for.
    public func read(_ consistency: ReadConsistency) async throws(RequestError) -> ClusterState {
        let patience = configuration.limits.readMilliseconds
        if consistency != .stale, let halted { throw .stopped(reason: halted.reason) }
        let state = machine.state
        let isFresh =
            switch consistency {
            case .strong: false
            case .session(let revision): hasRecovered(state) && state.revision >= revision
            case .stale: hasRecovered(state)
            }
        if isFresh { return state }
        // A strong read covers whatever any client can have seen, also for one that names a revision that never was.
        try await server.waitUntilApplied(try await server.readIndex(), milliseconds: patience)
        return machine.state
    }

    /// Waits until `isMet` holds of the task, or the time has passed. Returns the state at that moment.
    public func waitForTask(
        _ key: TaskKey, milliseconds: UInt64, until isMet: @escaping @Sendable (TaskView?) -> Bool
    ) async -> ClusterState {
        let machine = machine
        await waiters.wait(for: key, milliseconds: milliseconds, current: { machine.state }) { isMet($0.task(key)) }
        return machine.state
    }
}
