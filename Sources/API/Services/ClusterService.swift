public import ClusterState
public import Orchestration
public import Raft
public import RaftServer

/// What this room needs of the cluster. `Cluster` is the one in service; tests bring a single node without disk and
/// peers.
public protocol ClusterService: Sendable {
    var identity: ServerIdentity { get }
    /// The state after the last batch applied here.
    var state: ClusterState { get }
    /// Whether the state is one to be shown, not merely the part of the log that has been read since the start.
    var hasRecovered: Bool { get }
    /// Nil until the node's first moment.
    var status: ClusterStatus? { get }
    /// This node's standing, then every change of it.
    var standings: AsyncStream<Standing> { get }

    /// What people call a member.
    func name(of node: NodeID) -> String
    /// Returns once this node has applied the command. After `noQuorum`, `timedOut` and `stopped` it may still take
    /// effect.
    func propose(
        _ body: Command.OneOf_Body, tenant: String, trace: Envelope.Trace
    ) async throws(RequestError) -> Outcome
    /// Returns whether somebody else, the target if one is named, leads.
    func transferLeadership(to target: NodeID?) async -> Bool
    /// What a change of the members waits for, as far as this node knows.
    var membershipObstacle: String? { get }
    func read(_ consistency: ReadConsistency) async throws(RequestError) -> ClusterState
    /// Returns when `isMet` holds of the task, the time has passed, or the calling task is cancelled.
    func waitForTask(
        _ key: TaskKey, milliseconds: UInt64, until isMet: @escaping @Sendable (TaskView?) -> Bool
    ) async -> ClusterState
    /// Calls the handler with every batch from now on, on the thread that applies: it must not wait.
    func observe(_ handler: @escaping @Sendable (AppliedBatch) -> Void) -> ObserverToken
    func remove(_ token: ObserverToken)
    /// Calls the handler with every ephemeral message of the topic, of this node and of others.
    func subscribe(_ topic: EphemeralTopic, _ handler: @escaping @Sendable (NodeID, [UInt8]) -> Void)
}

extension Cluster: ClusterService {}
