import API
import ClusterState
import Foundation
import Raft
import SwiftProtobuf
import Synchronization
import WriteAheadLog

@testable import Orchestration
@testable import RaftServer

/// A cluster of one node without log and peers: commands go straight into the real state machine.
final class TestCluster: ClusterService {
    struct Behaviour {
        /// Thrown instead of proposing.
        var proposeError: RequestError?
        /// So many proposals take effect without an answer.
        var lostAnswers = 0
        /// Thrown by strong reads.
        var readError: RequestError?
        var unreadyReason: String?
        var hasRecovered = true
    }

    private struct Log {
        var index: UInt64 = 0
        var sequence: UInt64 = 0
    }

    let behaviour = Mutex(Behaviour())
    let identity = ServerIdentity(node: NodeID(1), incarnation: Incarnation(7), boot: BootID(1))
    private let machine: ClusterMachine
    private let observers = Observers()
    private let waiters = TaskWaiters()
    private let bus = EphemeralBus()
    private let watch = StandingWatch()
    private let log = Mutex(Log())
    private let folder = NSTemporaryDirectory() + "amas-api-" + UUID().uuidString

    init(settings: Settings = Settings(), slots: UInt32 = 4) {
        machine = ClusterMachine(observers: observers)
        machine.use(Self.payloads(in: folder))
        let waiters = waiters
        _ = observers.add { waiters.notify($0) }
        watch.changed(Standing(role: .leader, term: Term(1), leader: NodeID(1)))
        create(
            .clusterCreated(
                .with {
                    $0.clusterID = "test"
                    $0.generation = 1
                    $0.settings = settings
                }))
        create(
            .nodeAvailable(
                .with {
                    $0.nodeID = 1
                    $0.bootID = 1
                    $0.incarnation = 7
                    $0.name = "n1"
                    $0.slots = slots
                    $0.machineVersionMax = ClusterState.supportedMachineVersion
                }))
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private static func payloads(in folder: String) -> PayloadStore {
        do {
            return try PayloadStore.open(in: PosixLogStorage(folder: folder))
        } catch {
            preconditionFailure("a temporary folder can be used: \(error)")
        }
    }

    /// What a test cannot do without.
    private func create(_ body: Command.OneOf_Body) {
        if case .rejected(let rejection) = apply(body) { preconditionFailure("\(rejection)") }
    }

    // MARK: ClusterService

    var state: ClusterState { machine.state }
    var hasRecovered: Bool { behaviour.withLock { $0.hasRecovered } }
    var standings: AsyncStream<Standing> { watch.changes() }

    var status: ClusterStatus? {
        let index = state.index
        let server = ServerStatus(
            id: NodeID(1), standing: Standing(role: .leader, term: Term(1), leader: NodeID(1)),
            membership: Membership(voters: [NodeID(1)]), lastIndex: index, firstIndex: LogIndex(1),
            commitIndex: index,
            durableIndex: index, appliedIndex: index, snapshotIndex: .zero, peers: [],
            millisecondsSinceLeaderContact: 0,
            clusterTimeMicroseconds: state.now.microseconds, hasLostMajority: false, halted: nil)
        return ClusterStatus(
            name: "n1", identity: identity, server: server, links: [],
            members: ClusterMembers(server, links: [], report: nil, limits: ClusterLimits()), isDraining: false,
            unreadyReason: behaviour.withLock { $0.unreadyReason })
    }

    func name(of node: NodeID) -> String { "n\(node)" }

    func propose(
        _ body: Command.OneOf_Body, tenant: String, trace: Envelope.Trace
    ) async throws(RequestError) -> Outcome {
        if let error = behaviour.withLock({ $0.proposeError }) { throw error }
        let outcome = apply(body, inSession: true, tenant: tenant, trace: trace)
        let isLost = behaviour.withLock { behaviour in
            defer { behaviour.lostAnswers = max(0, behaviour.lostAnswers - 1) }
            return behaviour.lostAnswers > 0
        }
        if isLost { throw .timedOut }
        return outcome
    }

    var membershipObstacle: String? { nil }
    func transferLeadership(to target: NodeID?) async -> Bool { target != NodeID(3) }

    func read(_ consistency: ReadConsistency) async throws(RequestError) -> ClusterState {
        let asksLeader =
            switch consistency {
            case .strong: true
            case .session(let revision): revision > state.revision
            case .stale: false
            }
        if asksLeader, let error = behaviour.withLock({ $0.readError }) { throw error }
        return state
    }

    func waitForTask(
        _ key: TaskKey, milliseconds: UInt64, until isMet: @escaping @Sendable (TaskView?) -> Bool
    ) async -> ClusterState {
        await waiters.wait(for: key, milliseconds: milliseconds, current: { self.machine.state }) {
            isMet($0.task(key))
        }
        return state
    }

    func observe(_ handler: @escaping @Sendable (AppliedBatch) -> Void) -> ObserverToken { observers.add(handler) }
    func remove(_ token: ObserverToken) { observers.remove(token) }

    func subscribe(_ topic: EphemeralTopic, _ handler: @escaping @Sendable (NodeID, [UInt8]) -> Void) {
        bus.subscribe(topic, handler)
    }

    // MARK: What tests do to it

    @discardableResult
    func apply(
        _ body: Command.OneOf_Body, inSession: Bool = false, tenant: String = "default", trace: Envelope.Trace = .none
    ) -> Outcome {
        log.withLock { log in
            log.index += 1
            if inSession { log.sequence += 1 }
            let sequence = inSession ? log.sequence : 0
            do {
                var bytes = try Envelope(
                    command: Command(body),
                    session: inSession ? Envelope.Session(node: NodeID(1), boot: BootID(1)) : nil,
                    sequence: sequence, floor: sequence, tenant: tenant, trace: trace
                ).encoded()
                // One millisecond a command.
                let time = 1_700_000_000_000_000 + log.index * 1000
                Envelope.stamp(&bytes, clusterTimeMicroseconds: time, wallTimeMicroseconds: time)
                let entry = Entry(index: LogIndex(log.index), term: Term(1), kind: .command, data: bytes[...])
                return try machine.apply([entry]).first?.outcome ?? .done(count: 0)
            } catch {
                preconditionFailure("the test's command does not apply: \(error)")
            }
        }
    }

    /// As if this node had fallen behind and been sent a snapshot of its own state.
    func reinstallSnapshot() throws {
        let chunks = Mutex<[[UInt8]]>([])
        try machine.image().write { chunk in chunks.withLock { $0.append(Array(chunk)) } }
        var rest = chunks.withLock { $0.flatMap { $0 } }[...]
        try machine.install { count in
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }

    func tick(_ json: String) { bus.deliver(.taskProgress, Array(json.utf8), from: NodeID(2)) }

    func raiseVersion() { create(.setMachineVersion(.with { $0.version = ClusterState.supportedMachineVersion })) }

    /// The table of members begins with this node and others that nobody hears.
    func foundMembers(_ count: UInt64) {
        raiseVersion()
        create(
            .membersFounded(
                .with {
                    $0.members = (1...count).map { id in
                        .with {
                            $0.nodeID = id
                            $0.roleCode = .voter
                            $0.name = "n\(id)"
                        }
                    }
                }))
    }

    /// As if the log had reached this configuration.
    func settle(voters: [UInt64], joining: [UInt64] = []) {
        let membership = Membership(voters: voters.map { NodeID($0) }, joining: joining.map { NodeID($0) })
        log.withLock { log in
            log.index += 1
            let entry = Entry(
                index: LogIndex(log.index), term: Term(1), kind: .configuration, data: membership.encoded()[...])
            do {
                _ = try machine.apply([entry])
            } catch {
                preconditionFailure("a configuration always applies: \(error)")
            }
        }
    }

    // MARK: Shorthands

    /// Submits a task of one step, assigned at once while there are slots.
    @discardableResult
    func submit(_ id: String, title: String = "a task", priority: UInt32 = 5, autoExecute: Bool = true) -> Outcome {
        apply(
            .submitTask(
                .with {
                    $0.taskID = id
                    $0.spec.title = title
                    $0.spec.taskType = "code_analysis"
                    $0.spec.priority = priority
                    $0.spec.autoExecute = autoExecute
                    $0.spec.createdBy = "operator"
                    $0.spec.steps = [
                        .with {
                            $0.id = "code_analysis"
                            $0.agent = "code_analysis"
                        }
                    ]
                }), inSession: true)
    }

    func start(_ id: String) {
        apply(
            .taskStarted(
                .with {
                    $0.taskID = id
                    $0.epoch = self.epoch(id)
                    $0.steps = [0]
                }), inSession: true)
    }

    @discardableResult
    func complete(_ id: String, result: String = #"{"output":"a report","findings":[]}"#) -> Outcome {
        apply(
            .stepCompleted(
                .with {
                    $0.taskID = id
                    $0.epoch = self.epoch(id)
                    $0.step = 0
                    $0.outcomeCode = .completed
                    $0.result = Payload(bytes: Array(result.utf8))
                    $0.summary = "well done"
                    $0.usage.provider = "builtin"
                    $0.finish = .with {
                        $0.outcomeCode = .completed
                        $0.resultOfStep = 0
                        $0.summary = "well done"
                        $0.qualityPpm = 750_000
                        $0.durationMilliseconds = 1250
                    }
                }), inSession: true)
    }

    private func epoch(_ id: String) -> UInt64 {
        TaskKey(tenant: "default", id: id).flatMap { state.task($0) }?.record.epoch ?? 0
    }
}
