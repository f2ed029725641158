import ClusterState
import FoundationEssentials
import Raft

/// What clients want of the cluster: each does one thing after the other, at any node, and notes what it got. A key is a task
/// that no executor takes: it is made, its cost is added to, it is cancelled, it is read.
final class Workload {
    // Unsafe, because it is read millions of times: the world owns this, and outlives it.
    unowned(unsafe) let world: World
    private(set) var operations: [Operation] = []
    /// The operations of each key, in the order of their calls.
    private(set) var operationsOfKey: [[OperationID]] = []
    /// The keys in use.
    private var keys: [Int]
    /// Clients act.
    private(set) var isOn = false
    private var submissions = 0
    /// Writes that have not taken effect.
    private var names: [ProposalName: OperationID] = [:]
    private(set) var openOperations = 0
    /// Keys whose search was given up.
    var undecidedKeys = 0

    init(world: World) {
        self.world = world
        keys = []
        for _ in 0..<world.options.workload.keys { keys.append(newKey()) }
    }

    private func newKey() -> Int {
        operationsOfKey.append([])
        return operationsOfKey.count - 1
    }

    /// Of tasks that executors take.
    static let executedPrefix = "work-"

    /// More than a row holds, and the same for several tasks. It compresses well, so that it fits into small logs.
    static func parameters(of taskID: String) -> Payload {
        let kind = taskID.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 5 }
        let bytes = Array(repeatElement(UInt8(0x61 + kind), count: 4_097 + kind * 100))
        var payload = Payload(bytes: bytes)
        payload.codecCode = .raw
        payload.inline = Data(bytes)
        return payload
    }

    static func taskID(_ key: Int) -> String { "key-\(key)" }

    static func taskKey(_ key: Int) -> TaskKey {
        guard let task = TaskKey(tenant: "default", id: taskID(key)) else { preconditionFailure("a legal id") }
        return task
    }

    // MARK: Clients

    func begin() {
        isOn = true
        for client in 0..<world.options.workload.clients { scheduleNext(client) }
    }

    /// Nothing new is asked for; what is under way goes on.
    func end() {
        isOn = false
    }

    private func scheduleNext(_ client: Int) {
        let options = world.options.workload
        world.queue.schedule(.client(client), at: world.now + world.random.workload.time(options.thinkTime))
    }

    func act(_ client: Int) {
        guard isOn else { return }
        let node = world.nodes[world.random.workload.number(0...(world.nodes.count - 1))]
        guard let process = node.process, process.hasSession else {
            return scheduleNext(client)
        }
        let place = world.random.workload.number(0...(keys.count - 1))
        if operationsOfKey[keys[place]].count >= world.options.workload.operationsPerKey { keys[place] = newKey() }
        perform(draw(), on: keys[place], by: client, at: process)
    }

    private func draw() -> Operation.Kind {
        let options = world.options.workload
        let weights = [
            options.creations, options.additions, options.cancellations, options.reads, options.submissions,
        ]
        var draw = world.random.workload.number(0...(weights.reduce(0, +) - 1))
        var choice = 0
        while draw >= weights[choice] {
            draw -= weights[choice]
            choice += 1
        }
        switch choice {
        case 0: return .create
        case 1: return .add(UInt64(world.random.workload.number(1...1_000_000)))
        case 2: return .cancel
        case 3: return .read
        default: return .submit
        }
    }

    /// Begins an operation and returns its place in the history.
    @discardableResult
    func perform(_ kind: Operation.Kind, on key: Int, by client: Int, at process: Process) -> OperationID {
        // The first operation on a key makes it, or the rest would speak of nothing.
        let isFirst = operationsOfKey[key].isEmpty && kind != .submit
        let kind = isFirst ? .create : kind
        let id = operations.count
        operations.append(
            Operation(
                client: client, key: key, kind: kind, node: process.id, calledAt: world.now,
                committedAtCall: world.monitor.committed.count))
        if kind != .submit { operationsOfKey[key].append(id) }
        openOperations += 1
        world.trace.note(world.now, "client \(client) asks node \(process.id): \(kind) key \(key) (operation \(id))")
        // A stopped process finds it when it goes on.
        if process.node.isPaused(at: world.now) {
            world.queue.schedule(.request(process, id), at: process.node.pausedUntil)
        } else {
            hand(id, to: process)
        }
        return id
    }

    /// The request has reached the process.
    func hand(_ id: OperationID, to process: Process) {
        let operation = operations[id]
        switch operation.kind {
        case .read: process.read(id)
        case .create, .add, .cancel, .submit:
            guard process.hasSession else { return finished(id, .refused) }
            names[ProposalName(session: process.session, sequence: process.proposals.next)] = id
            process.propose(command(operation.kind, operation.key), for: id)
        }
    }

    /// The command of a session has taken effect.
    func applied(_ session: Envelope.Session, _ sequence: UInt64, at index: LogIndex) {
        guard let id = names.removeValue(forKey: ProposalName(session: session, sequence: sequence)) else { return }
        operations[id].appliedAt = index
    }

    private func command(_ kind: Operation.Kind, _ key: Int) -> Command.OneOf_Body {
        switch kind {
        case .create: return .submitTask(task(Self.taskID(key), isExecuted: false))
        case .submit:
            submissions += 1
            var submit = task(Self.executedPrefix + "\(submissions)", isExecuted: true)
            if submissions % 3 == 0 { submit.spec.parameters = Self.parameters(of: submit.taskID) }
            return .submitTask(submit)
        case .add(let amount):
            var report = UsageReported()
            report.taskID = Self.taskID(key)
            var usage = StepUsage()
            usage.costMicroUsd = amount
            report.usage = usage
            return .usageReported(report)
        case .cancel:
            var cancel = CancelTask()
            cancel.taskID = Self.taskID(key)
            return .cancelTask(cancel)
        case .read: preconditionFailure("a read is no command")
        }
    }

    private func task(_ id: String, isExecuted: Bool) -> SubmitTask {
        var step = PlanStep()
        step.id = "s"
        step.agent = "a"
        var spec = TaskSpec()
        spec.title = String(repeating: "t", count: world.options.workload.titleBytes)
        spec.taskType = "t"
        spec.autoExecute = isExecuted
        spec.steps = [step]
        var submit = SubmitTask()
        submit.taskID = id
        submit.spec = spec
        return submit
    }

    // MARK: Answers

    func finished(_ id: OperationID, _ completion: Completion) {
        switch completion {
        case .unknown: close(id, .unknown)
        case .refused: close(id, .refused)
        case .outcome(let outcome):
            switch outcome {
            case .task(_, let revision):
                world.monitor.acknowledged(revision.index)
                world.marks.hit(.writeAcknowledged)
                close(id, .done)
            case .rejected(.unknownTask): close(id, .absent)
            case .rejected(.alreadyExists): close(id, .done)
            case .rejected(.sessionEnded), .rejected(.outcomeForgotten), .rejected(.windowExceeded):
                // This submission did nothing; an earlier one may have.
                close(id, .unknown)
            case .done, .replayed, .rejected:
                world.fail(Violation("Workload", "operation \(id), \(operations[id].kind), gave \(outcome)"))
            }
        }
    }

    func readFinished(_ id: OperationID, _ state: ClusterState) {
        world.marks.hit(.readAnswered)
        operations[id].appliedAt = state.index
        close(id, .value(TaskModel.State(of: operations[id].key, in: state)))
    }

    private func close(_ id: OperationID, _ result: Operation.Result) {
        precondition(operations[id].result == .pending, "an operation is answered once")
        if result == .unknown { world.marks.hit(.outcomeUnknown) }
        operations[id].result = result
        // What is unknown may take effect at any later time.
        if result != .unknown { operations[id].returnedAt = world.now }
        openOperations -= 1
        world.trace.note(world.now, "operation \(id): \(result)")
        if operations[id].client >= 0 { scheduleNext(operations[id].client) }
    }
}
