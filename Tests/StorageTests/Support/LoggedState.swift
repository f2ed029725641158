import ClusterState
import Raft
import Storage
import SwiftProtobuf

/// A state and the log that feeds it, on one node that executes everything.
struct LoggedState {
    var state = ClusterState()
    /// Microseconds since 1970 that the next entry carries.
    var wallTime: UInt64 = 1_800_000_000_000_000
    private var sequence: UInt64 = 0

    init(
        clusterID: String = "storage-tests", generation: UInt32 = 1,
        machineVersion: UInt32 = ClusterState.supportedMachineVersion
    ) throws {
        try propose(
            .clusterCreated(
                .with {
                    $0.clusterID = clusterID; $0.generation = generation; $0.machineVersion = machineVersion
                }))
        try propose(
            .nodeAvailable(
                .with {
                    $0.nodeID = 1
                    $0.bootID = 1
                    $0.incarnation = 7
                    $0.name = "amas-1"
                    $0.slots = 10_000
                    $0.machineVersionMax = machineVersion
                }))
    }

    struct Rejected: Error { let rejection: Rejection }

    /// Applies a command outside any session.
    mutating func propose(_ body: Command.OneOf_Body) throws {
        try apply(Envelope(command: Command(body), session: nil, sequence: 0, floor: 0, tenant: "default"))
    }

    /// Applies a command in the session of the node.
    mutating func request(_ body: Command.OneOf_Body, tenant: String = "default") throws {
        sequence += 1
        let session = Envelope.Session(node: NodeID(1), boot: BootID(1))
        try apply(
            Envelope(command: Command(body), session: session, sequence: sequence, floor: sequence, tenant: tenant))
    }

    private mutating func apply(_ envelope: Envelope) throws {
        var bytes = envelope.encoded()
        wallTime += 1_000
        Envelope.stamp(&bytes, clusterTimeMicroseconds: wallTime, wallTimeMicroseconds: wallTime)
        let applied = try state.apply(index: state.index.next, term: Term(1), entry: bytes[...])
        if case .rejected(let rejection) = applied.outcome { throw Rejected(rejection: rejection) }
    }

    /// Lets time pass, and all that is due then.
    mutating func pass(milliseconds: UInt64) throws {
        wallTime += milliseconds * 1_000
        repeat {
            let now = wallTime
            try propose(.timersDue(.with { $0.timeMicroseconds = now }))
        } while state.nextTimer.map { $0 <= state.now } == true
    }

    // MARK: Commands in short

    mutating func submit(
        _ id: String, tenant: String = "default", steps: Int = 1, _ change: (inout TaskSpec) -> Void = { _ in }
    ) throws {
        try request(
            .submitTask(
                .with {
                    $0.taskID = id
                    $0.spec.title = "Look at the code"
                    $0.spec.taskType = "code_analysis"
                    $0.spec.createdBy = "alice"
                    $0.spec.autoExecute = true
                    $0.spec.steps = (0..<steps).map { ordinal in
                        .with {
                            $0.id = "s\(ordinal)"
                            $0.agent = "code_analysis"
                            if ordinal > 0 { $0.needs = [UInt32(ordinal - 1)] }
                        }
                    }
                    change(&$0.spec)
                }), tenant: tenant)
    }

    mutating func start(_ id: String, tenant: String = "default", steps: [UInt32] = [0]) throws {
        let epoch = try epoch(id, tenant)
        try request(
            .taskStarted(
                .with {
                    $0.taskID = id; $0.epoch = epoch; $0.steps = steps
                }), tenant: tenant)
    }

    mutating func complete(
        _ id: String, tenant: String = "default", step: UInt32 = 0, outcome: StepOutcomeCode = .completed,
        result: String = #"{"output":"fine"}"#, finish: Finish? = nil,
        _ change: (inout StepCompleted) -> Void = { _ in }
    ) throws {
        let epoch = try epoch(id, tenant)
        try request(
            .stepCompleted(
                .with {
                    $0.taskID = id
                    $0.epoch = epoch
                    $0.step = step
                    $0.outcomeCode = outcome
                    if !result.isEmpty { $0.result = Payload(bytes: Array(result.utf8)) }
                    $0.durationMilliseconds = 1_234
                    $0.qualityPpm = 912_345
                    $0.usage = .with {
                        $0.provider = "builtin"
                        $0.model = "synthesiser"
                        $0.inputTokens = 1_000
                        $0.outputTokens = 200
                        $0.costMicroUsd = 1_500
                    }
                    if let finish { $0.finish = finish }
                    change(&$0)
                }), tenant: tenant)
    }

    mutating func run(_ id: String, tenant: String = "default", result: String = #"{"output":"fine"}"#) throws {
        try start(id, tenant: tenant)
        try complete(id, tenant: tenant, result: result, finish: .completed)
    }

    mutating func fail(_ id: String, tenant: String = "default") throws {
        let epoch = try epoch(id, tenant)
        try request(
            .taskFinished(
                .with {
                    $0.taskID = id
                    $0.epoch = epoch
                    $0.finish.outcomeCode = .failed
                    $0.finish.failure = Failure(.deadline, message: "too late")
                }), tenant: tenant)
    }

    mutating func cancel(_ id: String, tenant: String = "default") throws {
        try request(
            .cancelTask(
                .with {
                    $0.taskID = id; $0.requestedBy = "bob"; $0.reason = "no need"
                }), tenant: tenant)
    }

    // MARK: Reading in short

    struct NoSuchTask: Error {}

    func view(_ id: String, tenant: String = "default") throws -> TaskView {
        guard let task = state.task(key(id, tenant: tenant)) else { throw NoSuchTask() }
        return task
    }

    func stored(_ id: String, tenant: String = "default") throws -> StoredTask {
        StoredTask(try view(id, tenant: tenant), in: state)
    }

    var outbox: [OutboxItem] { state.outbox(limit: .max, byteLimit: .max) }

    private func epoch(_ id: String, _ tenant: String) throws -> UInt64 { try view(id, tenant: tenant).record.epoch }
}

extension Finish {
    static var completed: Finish {
        .with {
            $0.outcomeCode = .completed
            $0.resultOfStep = 0
            $0.summary = "all well"
            $0.qualityPpm = 912_345
            $0.successPpm = 1_000_000
            $0.durationMilliseconds = 2_345
        }
    }
}

func key(_ id: String, tenant: String = "default") -> TaskKey {
    guard let key = TaskKey(tenant: tenant, id: id) else { preconditionFailure("tests use good ids") }
    return key
}
