import Agents
import ClusterState
import HTTPTypes
import Logging
import Orchestration
import Raft
import RaftServer
import Storage
import Telemetry

/// What the routes work with. Each route's handler is an extension in a file of its own.
struct Handlers: Sendable {
    let cluster: any ClusterService
    /// Nil: the node has no PostgreSQL.
    let store: (any TaskStore)?
    let catalog: AgentCatalog
    let workspace: Workspace
    let components: @Sendable () -> [ComponentHealth]
    let registry: MetricsRegistry
    let limits: APILimits
    let metrics: APIMetrics
    let condition: ServerCondition
    let progress: ProgressBoard
    let waits: Waits
    let sockets: SocketGate
    let version: String
    let clock: @Sendable () -> WallTime
    let logger: Logger

    // MARK: What many routes need

    func key(_ call: Call) throws(Problem) -> TaskKey {
        guard let key = TaskKey(tenant: call.caller.tenant, id: call.parameters[0]) else { throw notFound }
        return key
    }

    var notFound: Problem { Problem(.notFound, "there is no task with this id") }

    /// The state, as fresh as the caller wants it.
    func state(for call: Call) async throws(Problem) -> ClusterState {
        let consistency = try call.consistency()
        let state: ClusterState
        do throws(RequestError) {
            state = try await cluster.read(consistency)
        } catch {
            throw Problem(read: error)
        }
        // The read has asked the leader for all that any client can have seen; older than this it cannot be.
        if case .session(let seen) = consistency, seen > state.revision {
            throw .badRequest("X-Amas-Index", "is ahead of this cluster, which never gave it")
        }
        return state
    }

    /// A document, from the live state or from PostgreSQL. Says "there is none" only when both have been asked, the
    /// live state by a strong read.
    func document(_ key: TaskKey, _ seen: ClusterState, isStrong: Bool) async throws(Problem) -> StoredTask {
        if let view = seen.task(key) { return live(view, seen) }
        let first = await stored(key)
        if case .success(let document?) = first { return document }
        if !isStrong {
            let fresh: ClusterState
            do throws(RequestError) {
                fresh = try await cluster.read(.strong)
            } catch {
                throw Problem(read: error)
            }
            if let view = fresh.task(key) { return live(view, fresh) }
        }
        // Since the first look the task may have come, gone to PostgreSQL, and left the live state.
        let second = isStrong ? first : await stored(key)
        guard let document = try second.get() else { throw notFound }
        return document
    }

    /// What PostgreSQL has. Without one nothing ever leaves the live state, so there is nothing else to find.
    func stored(_ key: TaskKey) async -> Result<StoredTask?, Problem> {
        guard let store, let identity = ClusterIdentity(cluster.state) else { return .success(nil) }
        do throws(StorageError) {
            return .success(try await store.task(key, of: identity))
        } catch {
            logger.debug("the task store did not answer", metadata: ["error": "\(error)"])
            return .failure(Problem(error))
        }
    }

    func live(_ view: TaskView, _ state: ClusterState) -> StoredTask {
        StoredTask(view, in: state)
    }

    func answer(_ document: StoredTask, _ state: ClusterState, status: Int = 200) -> Answer {
        var answer = Answer.json(document.encoded(), status: status)
        answer.headers[.eTag] = document.entityTag
        answer.headers[.amasIndex] = state.revision.position
        return answer
    }

    /// Waits for the end of a task as `Prefer: wait` asks. Says whether the preference was followed.
    func waitUntilTerminal(_ key: TaskKey, seconds: UInt64) async -> (ClusterState, isApplied: Bool) {
        let state = await waits.run(limit: limits.waiters) { [cluster] in
            await cluster.waitForTask(key, milliseconds: seconds * 1000) { $0?.status.isTerminal ?? true }
        }
        return (state ?? cluster.state, state != nil)
    }

    func idempotency(_ call: Call) throws(Problem) -> IdempotencyKey? {
        guard let key = try call.idempotencyKey(limits: limits) else { return nil }
        return IdempotencyKey(key, of: call)
    }

    /// Where it is not known whether a command took effect, because this node was halted for a while or was given up by the
    /// others, one that carries an idempotency key is asked once more, here instead of by the client: the second answer is
    /// the first one's, whichever that was.
    func propose(_ body: Command.OneOf_Body, _ call: Call) async throws(Problem) -> Decision {
        var outcome = await ask(body, call)
        if outcome.isUnknown, try idempotency(call) != nil { outcome = await ask(body, call) }
        switch try outcome.known() {
        case .task(let key, let revision): return .accepted(Accepted(key: key, revision: revision, isReplayed: false))
        case .replayed(let key, let revision):
            metrics.idempotencyReplays.increment()
            return .accepted(Accepted(key: key, revision: revision, isReplayed: true))
        case .rejected(let rejection): return .rejected(rejection)
        case .done: throw Problem(.internal)
        }
    }

    private func ask(_ body: Command.OneOf_Body, _ call: Call) async -> Answered {
        do throws(RequestError) {
            return .outcome(try await cluster.propose(body, tenant: call.caller.tenant, trace: call.envelopeTrace))
        } catch {
            return .error(error)
        }
    }

    private enum Answered {
        case outcome(Outcome)
        case error(RequestError)

        /// It may have taken effect, and asking again may tell.
        var isUnknown: Bool {
            switch self {
            case .error(.timedOut), .outcome(.rejected(.sessionEnded)), .outcome(.rejected(.outcomeForgotten)): true
            case .outcome, .error(.noQuorum), .error(.overloaded), .error(.diskFull), .error(.tooLarge),
                .error(.stopped),
                .error(.cancelled):
                false
            }
        }

        func known() throws(Problem) -> Outcome {
            switch self {
            case .outcome(let outcome): return outcome
            case .error(let error): throw Problem(write: error)
            }
        }
    }

    enum Decision {
        case accepted(Accepted)
        case rejected(Rejection)
    }

    /// What the client is told of a refusal.
    func refusal(_ rejection: Rejection) -> Problem {
        metrics.count(rejection)
        return Problem(rejection)
    }

    /// What a write did: the task, and the revision that the first request gave it.
    struct Accepted {
        var key: TaskKey
        var revision: Revision
        var isReplayed: Bool
    }
}

extension APIMetrics {
    fileprivate func count(_ rejection: Rejection) {
        switch rejection {
        case .overloaded: refusals.with("budget").increment()
        case .idempotencyTableFull: refusals.with("idempotency_table").increment()
        case .windowExceeded: refusals.with("window").increment()
        case .malformed, .noCluster, .clusterExists, .invalid, .tooLarge, .idempotencyConflict, .unknownTask,
            .unknownNode,
            .unknownIncarnation, .unknownDependency, .unknownStep, .alreadyExists, .evicted, .wrongState,
            .stepAlreadyCompleted, .fenced, .stale, .sessionEnded, .outcomeForgotten, .notAllNodesReady,
            .changeInFlight,
            .noVoterLeft, .tooManyVoters:
            break
        }
    }
}
