/// Every limit of this room, with its unit.
public struct APILimits: Sendable {
    // MARK: Connections

    /// Open connections, WebSockets included; more wait in the kernel's queue.
    public var connections = 20_000
    /// Connections that the kernel queues before it refuses.
    public var backlog = 1_024
    /// A connection without a request is closed after this.
    public var idleSeconds: Int64 = 75
    /// From the first byte of a request's head to the last byte of its answer, waiting included.
    public var requestSeconds: Int64 = 60
    /// All lines of a request's head.
    public var headerBytes = 16 << 10
    public var headerFields = 100
    /// How long a connection that must close stays open for the client to read the answer.
    public var lingerMilliseconds: Int64 = 500

    // MARK: Requests

    /// Requests being worked on; beyond it 503. Probes are exempt.
    public var requestsInFlight = 4_096
    public var bodyBytes = 1 << 20
    /// `parameters` of a task or a step, as JSON text.
    public var parametersBytes = 256 << 10
    public var jsonDepth = 64
    public var jsonStringBytes = 64 << 10
    public var jsonValues = 65_536
    public var queryItems = 32
    /// The most that `Prefer: wait` can ask for.
    public var waitSeconds: UInt64 = 30
    /// Requests that wait for a task; beyond it they are answered at once.
    public var waiters = 2_048
    public var idempotencyKeyBytes = 255

    // MARK: Tasks

    /// In Unicode scalars, as for `descriptionCharacters`.
    public var titleCharacters = 500
    public var descriptionCharacters = 10_000
    public var targetBytes = 4_096
    public var taskTypeBytes = 64
    public var planSteps = 64
    public var dependencies = 64
    public var deadlineSeconds: Double = 30 * 86_400
    public var maxAttempts: Int64 = 100
    public var budgetUSD: Double = 1_000_000
    public var cancelReasonBytes = 1_024
    /// How often a request asks PostgreSQL about tasks that have left the live state, while it has not caught up; with a pause
    /// before each time but the first.
    public var evidenceReads = 20
    public var evidencePauseMilliseconds: Int64 = 100
    public var pageDefault = 100
    public var pageMaximum = 1_000
    /// A page of the live state ends when its tasks have this many bytes.
    public var pageBytes = 16 << 20

    // MARK: WebSocket

    public var sockets = 20_000
    /// What is wrong with a body and named in the answer.
    public var problems = 100
    public var socketMessageBytes = 64 << 10
    public var socketFragments = 64
    public var subscriptionsPerSocket = 128
    /// Messages that a client may send at once, and how fast that allowance returns.
    public var socketMessageBurst = 256
    public var socketMessagesPerSecond: Double = 20
    /// What waits for one client; then it is closed with 1013.
    public var socketQueueBytes = 1 << 20
    /// What waits for all clients of the node; then the one that asks for more is closed.
    public var nodeQueueBytes = 128 << 20
    public var eventBytes = 64 << 10
    public var heartbeatSeconds: Int64 = 20
    /// A client that stays silent through this many heartbeats is gone.
    public var silentHeartbeats = 2
    /// Events taken from the state at once, and looked at while a client is replayed to.
    public var eventsPerPass = 128
    public var eventsScannedPerPass = 4_096
    /// Passes that one event loop may be behind before the hub waits for it.
    public var passesAhead = 4
    /// Live tasks in the snapshot of a channel.
    public var snapshotTasks = 100
    /// Tasks whose last progress tick is remembered.
    public var progressTasks = 10_000
    /// Over which WebSockets are closed when the node drains.
    public var drainSpreadMilliseconds: Int64 = 3_000
    /// What clients are told to wait at most before they come back.
    public var reconnectMilliseconds: Int64 = 10_000
    /// For the other side's close frame.
    public var closeMilliseconds: Int64 = 2_000

    public init() {}
}

extension APILimits {
    var json: JSONLimits {
        var limits = JSONLimits()
        limits.depth = jsonDepth
        limits.stringBytes = jsonStringBytes
        limits.values = jsonValues
        return limits
    }
}
