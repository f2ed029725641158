/// Every bound of this room. They decide what apply answers, so they belong to the machine version: all nodes run with
/// `version1`, and a change of a value comes with a new machine version. Tests pass smaller ones.
///
/// What an operator may choose lies in `Settings`, which is replicated.
public struct Limits: Sendable {
    public static let version1 = Limits()

    // MARK: Work in one entry

    /// Timers that one TimersDue fires.
    public var timersPerEntry = 256
    /// Tasks that one entry takes from a lost node, frees from or fails with a dependency, or puts back into the outbox.
    public var movesPerEntry = 256
    /// Tasks that one entry assigns.
    public var assignmentsPerEntry = 256
    /// Persisted tasks that one entry evicts because their bytes are wanted, beside those whose time has come.
    public var evictionsPerEntry = 64
    /// Rows without further consequence (outcomes of a session, events out of the window) that one entry forgets.
    public var forgottenRowsPerEntry = 2_048
    /// Tasks that one entry looks at while it searches for what PostgreSQL has lost.
    public var rewoundRowsPerEntry = 2_048

    // MARK: Tables

    public var nodes = 64
    /// Nodes that have left, whose return is refused.
    public var formerMembers = 256
    /// Sequences of a session above its floor (`design/state.md` 10).
    public var sessionWindow: UInt64 = 65_536
    /// Hashes kept for comparison with other members.
    public var hashWindow = 1_024
    public var evictionBuckets: UInt64 = 4_096

    // MARK: Sizes in a command, in bytes unless the name says otherwise

    /// A command's body once decoded.
    public var commandBytes = 1 << 20
    public var titleBytes = 2_000
    public var descriptionBytes = 40_000
    public var taskTypeBytes = 64
    public var targetBytes = 4_096
    public var parametersBytes: UInt64 = 256 << 10
    public var predictionBytes: UInt64 = 16 << 10
    public var identifierBytes = 64
    public var principalBytes = 256
    public var idempotencyKeyBytes = 255
    public var routeBytes = 128
    public var addressBytes = 256
    public var nameBytes = 128
    public var summaryBytes = 8_192
    public var messageBytes = 4_096
    public var stepCount = 64
    public var dependencyCount = 64
    public var persistedTasksPerCommand = 1_024
    public var maxAttempts: UInt32 = 100
    public var slotsPerNode: UInt32 = 10_000

    // MARK: Payloads

    /// Encoded bytes of a payload that lie in its row; what is larger lies beside the state (since 4).
    public var inlinePayloadBytes = 4_096
    /// Encoded bytes that one ResultChunk brings (since 4).
    public var chunkBytes = 512 << 10
    /// A result once decoded; what the setting of the cluster may allow at most (since 4).
    public var resultBytes: UInt64 = 64 << 20
    /// Chunks of one result.
    public var chunksPerResult = 1_024
    /// Results of one task that are being uploaded: one for each step, and the task's own.
    public var uploadsPerTask = 65

    // MARK: Admission

    /// What a refused client is told to wait.
    public var overloadRetrySeconds: UInt64 = 2
    public var idempotencyRetrySeconds: UInt64 = 60

    public init() {}
}
