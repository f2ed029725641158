import Raft
import SwiftProtobuf

@testable import ClusterState

/// Draws entries for a state: mostly commands that make sense there, some that do not, some that are no commands.
struct CommandGenerator {
    var random: Random
    private(set) var term = Term(1)
    private var time: UInt64 = 1_000_000_000
    private var sequences: [Envelope.Session: UInt64] = [:]
    private var floors: [Envelope.Session: UInt64] = [:]
    private var sent: [[UInt8]] = []
    private var taskCount = 0
    /// What PostgreSQL has been given of tasks that had ended.
    private var archived: [TaskView] = []
    private let tenants = ["default", "other"]
    private let principals = ["alice", "bob", "çédille", "c\u{327}e\u{301}dille"]

    init(seed: UInt64) { random = Random(seed: seed) }

    mutating func next(for state: ClusterState) -> [UInt8] {
        if random.chance(2) { term = term.next }
        time += random.chance(10) ? UInt64(random.below(400_000_000)) : UInt64(random.below(200_000))
        if state.clusterID == nil && random.chance(60) {
            return encode(.clusterCreated(creation()), inSession: false, state)
        }
        if state.nodes.isEmpty && random.chance(30) {
            return encode(.nodeAvailable(arrival(state)), inSession: false, state)
        }
        if random.chance(3) { return garbage() }
        if random.chance(4), let old = sent.randomElement(using: &random) { return stamped(old) }
        let (body, inSession) = command(for: state)
        return encode(body, inSession: inSession, state)
    }

    // MARK: Entries

    private mutating func encode(_ body: Command.OneOf_Body, inSession: Bool, _ state: ClusterState) -> [UInt8] {
        var session: Envelope.Session?
        var sequence: UInt64 = 0
        var floor: UInt64 = 0
        if inSession || random.chance(2) {
            let boots = state.nodes.map { Envelope.Session(node: $0.id, boot: BootID($0.record.bootID)) }
            let chosen = boots.randomElement(using: &random) ?? Envelope.Session(node: NodeID(1), boot: BootID(1))
            sequence = (sequences[chosen] ?? 0) + 1
            sequences[chosen] = sequence
            if random.chance(30) { floors[chosen] = sequence - UInt64(random.below(Int(min(sequence, 20)))) }
            floor = floors[chosen] ?? 1
            if random.chance(2) { sequence = UInt64(random.below(200)) + 1 }
            session = chosen
        }
        let tenant = random.chance(85) ? tenants[0] : tenants[1]
        guard
            let envelope = try? Envelope(
                command: Command(body), session: session, sequence: sequence, floor: floor, tenant: tenant)
        else { return garbage() }
        let bytes = envelope.encoded()
        sent.append(bytes)
        if sent.count > 30 { sent.removeFirst() }
        return stamped(bytes)
    }

    private func stamped(_ encoded: [UInt8]) -> [UInt8] {
        var bytes = encoded
        Envelope.stamp(&bytes, clusterTimeMicroseconds: time, wallTimeMicroseconds: time / 2)
        return bytes
    }

    /// Bytes of no meaning, or a good entry with some bits flipped or its end cut off.
    private mutating func garbage() -> [UInt8] {
        guard var bytes = sent.randomElement(using: &random), random.chance(80) else {
            return (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        if random.chance(20) { return Array(bytes.prefix(random.below(bytes.count))) }
        for _ in 0...random.below(3) {
            // Past the two times: a wild stamp would let everything expire for the rest of the run.
            let place = 24 + random.below(bytes.count - 24)
            bytes[place] ^= 1 << UInt8(random.below(8))
        }
        Envelope.stamp(&bytes, clusterTimeMicroseconds: time, wallTimeMicroseconds: time)
        return bytes
    }

    // MARK: Commands

    private mutating func creation() -> ClusterCreated {
        .with {
            $0.clusterID = "fuzz"
            $0.generation = 1
            $0.settings.admissionLimitTasks = 60
            $0.settings.idempotencyLimit = 12
            $0.settings.tombstoneLimit = 8
            $0.settings.eventWindowCount = 40
            $0.settings.eventWindowBytes = 6_000
            $0.settings.retainedLimitBytes = 30_000
            $0.settings.admissionLimitBytes = 120_000
            $0.settings.resultLimitBytes = 600
        }
    }

    private mutating func command(for state: ClusterState) -> (Command.OneOf_Body, inSession: Bool) {
        switch random.below(100) {
        case 0..<22: return (.submitTask(submission(state)), true)
        case 22..<34: return (.taskStarted(start(state)), true)
        case 34..<38: return (.stepStarted(stepStart(state)), true)
        case 38..<54: return (.stepCompleted(completion(state)), true)
        case 54..<58: return (.taskFinished(finishing(state)), true)
        case 58..<62: return (.cancelTask(cancellation(state)), true)
        case 62..<64: return (.cancelAcknowledged(acknowledgement(state)), true)
        case 64..<68: return (.executeTask(execution(state)), true)
        case 68..<70: return (.usageReported(usageReport(state)), true)
        case 70..<76: return (.timersDue(.with { $0.timeMicroseconds = time }), false)
        case 76..<84: return (.persisted(persisted(state)), false)
        case 84..<85: return (.projectionRewound(rewind(state)), false)
        case 85..<91: return (.nodeAvailable(arrival(state)), false)
        case 91..<95: return (.nodeLeft(departure(state)), false)
        case 95..<97: return (.nodeSuspended(suspension(state)), false)
        default: return (rareCommand(state), false)
        }
    }

    private mutating func rareCommand(_ state: ClusterState) -> Command.OneOf_Body {
        switch random.below(10) {
        case 0:
            return .sessionEnded(
                .with {
                    $0.nodeID = 1; $0.bootID = 1
                })
        case 1: return .setMachineVersion(.with { $0.version = UInt32(state.index.rawValue % 5) })
        case 2 where random.chance(20): return .generationRaised(.with { $0.generation = UInt32(state.generation) + 1 })
        case 3: return .clusterCreated(creation())
        case 4: return .timersDue(.with { $0.timeMicroseconds = .max })
        case 7, 8, 9: return memberCommand(state)
        default:
            var settings = creation().settings
            settings.poisonNodeDeaths = UInt32(random.below(4))
            settings.retainedLimitBytes = UInt64(random.below(60_000))
            settings.resultLimitBytes = UInt64(random.below(3) * 400)
            return .settingsChanged(.with { $0.settings = settings })
        }
    }

    /// Tries a few random places in the table; a scan would cost more than what is tested.
    private mutating func anyTask(_ state: ClusterState, where isWanted: (TaskStatus) -> Bool) -> TaskView? {
        for _ in 0..<6 {
            let start = key("t\(random.below(taskCount + 1))")
            guard let found = state.tables.tasks.rows.first(from: start) ?? state.tables.tasks.rows.first else {
                return nil
            }
            if isWanted(found.value.record.status) { return state.task(found.key) }
        }
        return nil
    }

    private mutating func taskID(_ task: TaskView?) -> String {
        random.chance(97)
            ? task?.key.id ?? "t\(random.below(taskCount + 1))" : ["", "no such", "t-9", "ü"][random.below(4)]
    }

    private mutating func epoch(_ task: TaskView?) -> UInt64 {
        random.chance(93) ? task?.record.epoch ?? 1 : UInt64(random.below(500))
    }

    private mutating func running(_ state: ClusterState) -> TaskView? {
        guard random.chance(90), let node = state.nodes.randomElement(using: &random) else {
            return anyTask(state) { _ in true }
        }
        let boot = SessionKey(node: node.id, boot: BootID(node.record.bootID))
        let start = AssignedKey(boot: boot, task: random.chance(50) ? key("t\(random.below(taskCount + 1))") : nil)
        return (state.indexes.assigned.first(from: start) ?? state.indexes.assigned.first)?.task.flatMap {
            state.task($0)
        }
    }

    private mutating func payload(_ greatest: Int) -> Payload {
        var payload = Payload(bytes: (0..<random.below(greatest)).map { UInt8($0 % 7) })
        if random.chance(3) { payload.length = random.next() >> UInt64(random.below(64)) }
        if random.chance(1) { payload.reference = PayloadReference() }
        return payload
    }

    private mutating func idempotencyKey() -> IdempotencyKey {
        let number = random.below(20)
        let digest = UInt8(random.chance(90) ? number : random.below(256))
        let principal = principals[number % principals.count]
        return .with {
            $0.principal = principal
            $0.route = "POST /api/v1/tasks"
            $0.key = "key-\(number)"
            $0.bodyDigest = .init(repeating: digest, count: 32)
        }
    }

    private mutating func submission(_ state: ClusterState) -> SubmitTask {
        taskCount += 1
        var submission = SubmitTask()
        submission.taskID = random.chance(97) ? "t\(taskCount)" : "t\(random.below(taskCount))"
        submission.spec = .simple
        submission.spec.createdBy = principals[random.below(principals.count)]
        submission.spec.priority = UInt32(random.below(random.chance(98) ? 5 : 20))
        submission.spec.autoExecute = random.chance(85)
        submission.spec.parameters = payload(200)
        submission.spec.maxAttempts = UInt32(random.below(4))
        if random.chance(25) { submission.spec.deadlineMilliseconds = UInt64(random.below(500_000)) }
        if random.chance(1) { submission.spec.deadlineMilliseconds = .max }
        submission.spec.steps = TaskSpec.steps(random.below(random.chance(98) ? 4 : 1) + (random.chance(99) ? 1 : 0))
        if random.chance(2), !submission.spec.steps.isEmpty { submission.spec.steps[0].needs = [0] }
        if random.chance(35) {
            var others: [String] = []
            for _ in 0...random.below(3) {
                let mayHaveEnded = random.chance(20)
                if let other = anyTask(state, where: { mayHaveEnded || !$0.isTerminal }) { others.append(other.key.id) }
            }
            submission.spec.dependsOn = random.chance(95) ? others : others + ["nobody"]
        }
        if state.machineVersion >= Command.evidenceSince, random.chance(10) {
            let ended = (0...random.below(3)).compactMap { _ in archived.randomElement(using: &random) }
            submission.spec.dependsOn += ended.map(\.key.id)
            for view in ended { submission.evidence.append(evidence(on: view, state)) }
        }
        if random.chance(20) { submission.idempotency = idempotencyKey() }
        return submission
    }

    private mutating func steps(_ task: TaskView?) -> [UInt32] {
        let count = task?.spec.steps.count ?? 1
        return (0..<random.below(3)).map { _ in UInt32(random.below(random.chance(95) ? count : 99)) }
    }

    private mutating func start(_ state: ClusterState) -> TaskStarted {
        let task = running(state)
        var command = TaskStarted()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        command.steps = steps(task)
        return command
    }

    private mutating func stepStart(_ state: ClusterState) -> StepStarted {
        let task = running(state)
        var command = StepStarted()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        command.steps = steps(task)
        return command
    }

    private mutating func completion(_ state: ClusterState) -> StepCompleted {
        let task = running(state)
        var command = StepCompleted()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        command.step = UInt32(random.below(task?.spec.steps.count ?? 1))
        command.outcomeCode = StepOutcomeCode(rawValue: random.chance(97) ? 1 + random.below(3) : 9) ?? .completed
        command.result = payload(700)
        command.usage.costMicroUsd = random.chance(98) ? 120 : .max
        command.usage.inputTokens = random.chance(98) ? 1_000 : .max
        command.summary = "step"
        if random.chance(20) { command.failure = Failure(.agentsFailed, message: "no") }
        if random.chance(40) { command.finish = finish(task) }
        return command
    }

    private mutating func finish(_ task: TaskView?) -> Finish {
        var finish = Finish()
        finish.outcomeCode = TaskOutcomeCode(rawValue: random.chance(97) ? 1 + random.below(2) : 7) ?? .completed
        if random.chance(50) { finish.resultOfStep = UInt32(random.below(task?.spec.steps.count ?? 1)) }
        if random.chance(30) { finish.result = payload(700) }
        if random.chance(50) { finish.qualityPpm = UInt32(random.below(1_100_000)) }
        return finish
    }

    private mutating func finishing(_ state: ClusterState) -> TaskFinished {
        let task = running(state)
        var command = TaskFinished()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        command.finish = finish(task)
        return command
    }

    private mutating func cancellation(_ state: ClusterState) -> CancelTask {
        var command = CancelTask()
        let mayHaveEnded = random.chance(20)
        command.taskID = taskID(anyTask(state) { mayHaveEnded || !$0.isTerminal })
        if random.chance(5), let evicted = state.tables.tombstones.rows.first?.key { command.taskID = evicted.id }
        command.requestedBy = "alice"
        if random.chance(20) { command.idempotency = idempotencyKey() }
        return command
    }

    private mutating func acknowledgement(_ state: ClusterState) -> CancelAcknowledged {
        let task = anyTask(state) { $0 == .cancelling } ?? running(state)
        var command = CancelAcknowledged()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        return command
    }

    private mutating func execution(_ state: ClusterState) -> ExecuteTask {
        var command = ExecuteTask()
        command.taskID = taskID(anyTask(state) { $0.isTerminal || $0 == .pending })
        let mayProve = state.machineVersion >= Command.evidenceSince || random.chance(2)
        if mayProve, random.chance(70), let view = archived.randomElement(using: &random) {
            prove(view, &command, state)
        }
        if random.chance(20) { command.idempotency = idempotencyKey() }
        return command
    }

    private mutating func usageReport(_ state: ClusterState) -> UsageReported {
        let task = anyTask(state) { _ in true }
        var command = UsageReported()
        command.taskID = taskID(task)
        command.epoch = epoch(task)
        command.usage.costMicroUsd = random.chance(98) ? 10 : .max
        return command
    }

    private mutating func persisted(_ state: ClusterState) -> Persisted {
        var command = Persisted()
        command.generation = random.chance(98) ? UInt32(state.generation) : 77
        for item in state.outbox(limit: random.below(23), byteLimit: .max) where random.chance(90) {
            if let view = state.task(item.key), view.status.isTerminal { archived.append(view) }
            if archived.count > 40 { archived.removeFirst() }
            command.throughRevision = max(command.throughRevision, item.revision.rawValue)
            command.tasks.append(
                .with {
                    $0.tenant = item.key.tenant
                    $0.taskID = item.key.id
                    $0.revision = item.revision.rawValue
                })
        }
        if random.chance(10), !command.tasks.isEmpty {
            let place = random.below(command.tasks.count)
            command.tasks[place].revision &+= UInt64(random.below(5)) &- 2
        }
        if random.chance(2) { command.throughRevision = random.next() }
        return command
    }

    private mutating func rewind(_ state: ClusterState) -> ProjectionRewound {
        let through = state.projectedThrough.rawValue
        var command = ProjectionRewound()
        command.generation = UInt32(state.generation)
        command.throughRevision = through - min(through, UInt64(random.below(100)))
        return command
    }

    private mutating func arrival(_ state: ClusterState) -> NodeAvailable {
        let id = UInt64(1 + random.below(random.chance(95) ? 4 : 9))
        let known = state.node(NodeID(id))
        var boot = known?.record.bootID ?? 1
        if random.chance(40) { boot += 1 }
        if random.chance(10) { boot -= min(boot, 2) }
        var command = NodeAvailable()
        command.nodeID = id
        command.bootID = boot
        let folder = state.member(NodeID(id))?.record.incarnation ?? 0
        command.incarnation = random.chance(97) ? (folder == 0 ? 100 + id : folder) : 5
        command.name = "node-\(id)"
        command.slots = UInt32(random.below(5))
        command.machineVersionMax = random.chance(99) ? ClusterState.supportedMachineVersion : 0
        return command
    }

    private mutating func departure(_ state: ClusterState) -> NodeLeft {
        let node = state.nodes.randomElement(using: &random)
        var command = NodeLeft()
        command.nodeID = random.chance(97) ? node?.id.rawValue ?? 1 : 99
        command.bootID = (node?.record.bootID ?? 1) - (random.chance(5) ? 1 : 0)
        command.proposerTerm = term.rawValue - (random.chance(5) ? 1 : 0)
        command.departureCode = random.chance(70) ? .lost : .shutdown
        return command
    }

    private mutating func suspension(_ state: ClusterState) -> NodeSuspended {
        let node = state.nodes.randomElement(using: &random)
        var command = NodeSuspended()
        command.nodeID = node?.id.rawValue ?? 1
        command.bootID = node?.record.bootID ?? 1
        command.reasonCode = random.chance(95) ? .drain : .unspecified
        return command
    }
}
