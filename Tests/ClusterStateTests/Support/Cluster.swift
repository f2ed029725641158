import ClusterState
import Raft
import SwiftProtobuf

/// A state and the log that feeds it: stamps times, counts indices and sequences.
struct Cluster {
    var state: ClusterState
    var term = Term(1)
    /// Cluster microseconds of the next entry.
    var time: UInt64 = 1_000_000_000_000
    private var nextSequence: UInt64 = 1
    let session = Envelope.Session(node: NodeID(1), boot: BootID(1))

    /// An empty state.
    init(limits: Limits = .version1) {
        state = ClusterState(limits: limits)
    }

    /// A cluster with nodes 1... of so many slots, each at boot 1.
    init(
        nodes: Int, slots: UInt32 = 4, settings: Settings = Settings(), limits: Limits = .version1,
        version: UInt32 = 1
    ) throws {
        self.init(limits: limits)
        try propose(
            .clusterCreated(
                .with {
                    $0.clusterID = "test-cluster"
                    $0.generation = 1
                    $0.settings = settings
                    $0.machineVersion = version == 1 ? 0 : version
                }))
        for node in 0..<nodes { try join(UInt64(node + 1), slots: slots, version: version) }
    }

    /// Applies a command outside any session.
    @discardableResult
    mutating func propose(_ body: Command.OneOf_Body, tenant: String = "default") throws -> Applied {
        try apply(Envelope(command: Command(body), session: nil, sequence: 0, floor: 0, tenant: tenant).encoded())
    }

    /// Applies a command in the session of node 1, or under the given identity.
    @discardableResult
    mutating func request(
        _ body: Command.OneOf_Body, session: Envelope.Session? = nil, sequence: UInt64? = nil, floor: UInt64 = 1,
        tenant: String = "default"
    ) throws -> Applied {
        if sequence == nil { nextSequence += 1 }
        return try apply(
            Envelope(
                command: Command(body), session: session ?? self.session, sequence: sequence ?? (nextSequence - 1),
                floor: floor, tenant: tenant
            ).encoded())
    }

    /// Applies the bytes of an entry, stamped as the leader would.
    @discardableResult
    mutating func apply(_ encoded: [UInt8]) throws -> Applied {
        try state.apply(index: state.index.next, term: term, entry: stamped(encoded)[...])
    }

    func stamped(_ encoded: [UInt8]) -> [UInt8] {
        var bytes = encoded
        Envelope.stamp(&bytes, clusterTimeMicroseconds: time, wallTimeMicroseconds: time + 7)
        return bytes
    }

    mutating func pass(milliseconds: UInt64) { time += milliseconds * 1_000 }

    @discardableResult
    mutating func fireTimers() throws -> Applied {
        try propose(.timersDue(.with { $0.timeMicroseconds = time }))
    }

    /// As the leader does: until nothing is due.
    mutating func fireAllTimers() throws {
        while let next = state.nextTimer, next.microseconds <= time { try fireTimers() }
    }

    // MARK: Commands in short

    @discardableResult
    mutating func join(
        _ node: UInt64, boot: UInt64 = 1, slots: UInt32 = 4, incarnation: UInt64? = nil, version: UInt32 = 1
    ) throws -> Applied {
        try propose(
            .nodeAvailable(
                .with {
                    $0.nodeID = node
                    $0.bootID = boot
                    $0.incarnation = incarnation ?? 100 + node
                    $0.name = "node-\(node)"
                    $0.slots = slots
                    $0.machineVersionMax = version
                }))
    }

    @discardableResult
    mutating func leave(_ node: UInt64, boot: UInt64 = 1, cause: DepartureCode = .lost) throws -> Applied {
        try propose(
            .nodeLeft(
                .with {
                    $0.nodeID = node
                    $0.bootID = boot
                    $0.proposerTerm = term.rawValue
                    $0.departureCode = cause
                }))
    }

    @discardableResult
    mutating func submit(_ id: String, tenant: String = "default", _ change: (inout TaskSpec) -> Void = { _ in })
        throws -> Applied
    {
        try request(
            .submitTask(
                .with {
                    $0.taskID = id
                    $0.spec = .simple
                    change(&$0.spec)
                }), tenant: tenant)
    }

    @discardableResult
    mutating func start(_ id: String, epoch: UInt64? = nil, steps: [UInt32] = []) throws -> Applied {
        let epoch = try epoch ?? currentEpoch(id)
        return try request(
            .taskStarted(
                .with {
                    $0.taskID = id
                    $0.epoch = epoch
                    $0.steps = steps
                }))
    }

    @discardableResult
    mutating func complete(
        _ id: String, step: UInt32 = 0, epoch: UInt64? = nil, outcome: StepOutcomeCode = .completed,
        result: String = "", finish: Finish? = nil
    ) throws -> Applied {
        let epoch = try epoch ?? currentEpoch(id)
        return try request(
            .stepCompleted(
                .with {
                    $0.taskID = id
                    $0.epoch = epoch
                    $0.step = step
                    $0.outcomeCode = outcome
                    if !result.isEmpty { $0.result = Payload(bytes: Array(result.utf8)) }
                    if let finish { $0.finish = finish }
                }))
    }

    @discardableResult
    mutating func finish(_ id: String, epoch: UInt64? = nil, _ finish: Finish = .completed) throws -> Applied {
        let epoch = try epoch ?? currentEpoch(id)
        return try request(
            .taskFinished(
                .with {
                    $0.taskID = id
                    $0.epoch = epoch
                    $0.finish = finish
                }))
    }

    /// From assigned to completed in two entries.
    mutating func run(_ id: String, result: String = "done") throws {
        try start(id, steps: [0])
        try complete(id, result: result, finish: .resultOfStep(0))
    }

    @discardableResult
    mutating func cancel(_ id: String) throws -> Applied {
        try request(
            .cancelTask(
                .with {
                    $0.taskID = id
                    $0.requestedBy = "alice"
                }))
    }

    @discardableResult
    mutating func execute(_ id: String) throws -> Applied {
        try request(.executeTask(.with { $0.taskID = id }))
    }

    /// Takes the whole outbox, as a projector does.
    @discardableResult
    mutating func persistAll() throws -> Applied {
        let items = state.outbox(limit: 1_024, byteLimit: .max)
        return try persist(items.map { ($0.key, $0.revision) })
    }

    @discardableResult
    mutating func persist(_ items: [(TaskKey, Revision)]) throws -> Applied {
        let generation = UInt32(state.generation)
        let through = items.map(\.1.rawValue).max() ?? 0
        return try propose(
            .persisted(
                .with {
                    $0.generation = generation
                    $0.throughRevision = through
                    $0.tasks = items.map { key, revision in
                        .with {
                            $0.tenant = key.tenant
                            $0.taskID = key.id
                            $0.revision = revision.rawValue
                        }
                    }
                }))
    }

    // MARK: Reading in short

    struct NoSuchTask: Error { let id: String }

    func task(_ id: String, tenant: String = "default") throws -> TaskView {
        guard let key = TaskKey(tenant: tenant, id: id), let task = state.task(key) else { throw NoSuchTask(id: id) }
        return task
    }

    func status(_ id: String) throws -> TaskStatus { try task(id).status }
    func node(of id: String) throws -> UInt64? { try task(id).assignment?.node.rawValue }
    private func currentEpoch(_ id: String) throws -> UInt64 { try task(id).record.epoch }
}

func key(_ id: String, tenant: String = "default") -> TaskKey {
    guard let key = TaskKey(tenant: tenant, id: id) else { preconditionFailure("tests use good ids") }
    return key
}

extension TaskSpec {
    static var simple: TaskSpec {
        .with {
            $0.title = "Look at the code"
            $0.taskType = "code_analysis"
            $0.createdBy = "alice"
            $0.autoExecute = true
            $0.steps = [
                .with {
                    $0.id = "s0"; $0.agent = "code_analysis"
                }
            ]
        }
    }

    static func steps(_ count: Int) -> [PlanStep] {
        (0..<count).map { ordinal in
            .with {
                $0.id = "s\(ordinal)"
                $0.agent = "code_analysis"
                if ordinal > 0 { $0.needs = [UInt32(ordinal - 1)] }
            }
        }
    }
}

extension Finish {
    static var completed: Finish { .with { $0.outcomeCode = .completed } }
    static var failed: Finish { .with { $0.outcomeCode = .failed } }
    static func resultOfStep(_ step: UInt32) -> Finish {
        .with {
            $0.outcomeCode = .completed
            $0.resultOfStep = step
            $0.summary = "all well"
        }
    }
}

extension Applied {
    var eventNames: [String] { events.map(\.kind.name) }

    var rejection: Rejection? {
        if case .rejected(let rejection) = outcome { return rejection }
        return nil
    }

    /// The tasks that this entry gave to a node, in order.
    var assigned: [String] {
        assignments.compactMap { if case .assigned(let key, _) = $0 { key.id } else { nil } }
    }

    var released: [String] {
        assignments.compactMap { if case .released(let key, _) = $0 { key.id } else { nil } }
    }
}
