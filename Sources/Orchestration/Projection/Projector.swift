import ClusterState
public import Logging
import Raft
import RaftServer
public import Storage
import SwiftProtobuf
import Synchronization

/// Writes what the log has decided to PostgreSQL, on the leader, in log order, as long as it leads.
///
/// The outbox in the replicated state is the queue: what PostgreSQL has committed is proposed as `Persisted` and leaves it. So a
/// projector may die anywhere, be doubled for a moment, or find the database gone for an hour, and nothing is lost or written
/// over something newer. It goes no further than what a quorum is known to agree on.
public final class Projector: Sendable {
    /// What the projector is doing, for health and metrics.
    public enum Condition: Equatable, Sendable {
        /// Another node leads.
        case idle
        case writing
        /// PostgreSQL cannot be written to; tried again by itself.
        case waiting(reason: String)
        /// PostgreSQL belongs to others, or is newer than this node: an operator must look.
        case refused(reason: String)
    }

    public struct Limits: Sendable {
        public var firstPause = Duration.milliseconds(100)
        public var longestPause = Duration.seconds(5)
        /// Looks again even if nothing has happened: a confirmation of the state's hash brings no batch.
        public var idlePause = Duration.milliseconds(25)
        /// A `Persisted` that has not shown after this is proposed again by writing again.
        public var confirmationPause = Duration.seconds(2)
        public var batchTasks = 400
        public var batchBytes: UInt64 = 4 << 20
        /// The most tasks that the alarm about a gap names.
        public var namedTasks = 100

        public init() {}
    }

    private struct State {
        var condition = Condition.idle
        var loop: Task<Void, Never>?
    }

    private let cluster: Cluster
    private let projection: TaskProjection
    private let prepare: @Sendable (_ machineVersion: UInt32) async throws(StorageError) -> Void
    private let limits: Limits
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter prepare: brings the schema up to what a cluster of this machine version uses; called before the first write,
    ///   after every failure, and when the version has risen.
    public init(
        cluster: Cluster, projection: TaskProjection,
        prepare: @escaping @Sendable (_ machineVersion: UInt32) async throws(StorageError) -> Void,
        limits: Limits = Limits(), logger: Logger
    ) {
        self.cluster = cluster
        self.projection = projection
        self.prepare = prepare
        self.limits = limits
        self.logger = logger
    }

    public func start() {
        let loop = Task { await run() }
        state.withLock { $0.loop = loop }
    }

    /// Ends after the write that is under way.
    public func stop() async {
        let loop = state.withLock { $0.loop }
        loop?.cancel()
        await loop?.value
    }

    public var condition: Condition { state.withLock { $0.condition } }

    private func become(_ condition: Condition) {
        let before = state.withLock { state in
            defer { state.condition = condition }
            return state.condition
        }
        guard before != condition else { return }
        switch condition {
        case .idle, .writing: logger.info("projector", metadata: ["state": "\(condition)"])
        case .waiting(let reason):
            logger.warning("PostgreSQL cannot be written to; it will be caught up", metadata: ["reason": "\(reason)"])
        case .refused(let reason): logger.error("PostgreSQL is not ours to write to", metadata: ["reason": "\(reason)"])
        }
    }

    private func run() async {
        var pause = limits.firstPause
        while !Task.isCancelled {
            guard leads else {
                become(.idle)
                try? await Task.sleep(for: limits.firstPause)
                continue
            }
            do throws(StorageError) {
                let version = cluster.state.machineVersion
                try await prepare(version)
                try await project(version) { pause = limits.firstPause }
                continue
            } catch {
                if !Task.isCancelled { become(Self.condition(after: error)) }
            }
            // Many nodes must not come back to a database in step.
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, limits.longestPause)
        }
        become(.idle)
    }

    private var leads: Bool { cluster.status?.isLeader == true && cluster.state.clusterID != nil }

    private static func condition(after error: StorageError) -> Condition {
        switch error {
        case .unavailable(let reason), .failed(let reason): .waiting(reason: reason)
        case .notMigrated, .ahead, .behind, .tooFarBehind, .invalidQuery: .waiting(reason: "\(error)")
        case .newerSchema, .foreignDatabase, .newerGeneration, .unwritable: .refused(reason: "\(error)")
        }
    }

    /// Writes until this node no longer leads, or the cluster's machine version is another. Throws on the first failure; the
    /// caller begins again.
    private func project(_ version: UInt32, _ succeeded: () -> Void) async throws(StorageError) {
        guard let identity = ClusterIdentity(cluster.state) else { return }
        var watermark = try await projection.watermark(of: identity)
        become(.writing)
        if watermark < cluster.state.projectedThrough {
            logger.warning(
                "PostgreSQL has lost what it had; writing it again",
                metadata: ["watermark": .stringConvertible(watermark.rawValue)])
            reportGap(after: watermark)
            cluster.proposeOnce(
                .projectionRewound(
                    .with {
                        $0.generation = UInt32(identity.generation)
                        $0.throughRevision = watermark.rawValue
                    }))
        }
        /// What was written and is not yet seen to have left the outbox.
        var written: [TaskKey: (revision: Revision, at: ContinuousClock.Instant)] = [:]
        while leads, !Task.isCancelled {
            let state = cluster.state
            guard state.machineVersion == version else { return }
            let items = due(state, written: &written)
            guard !items.isEmpty else {
                try? await Task.sleep(for: limits.idlePause)
                continue
            }
            let batch = try await projection.write(items, of: state, after: watermark)
            watermark = batch.watermark
            for task in batch.tasks { written[task.key] = (task.revision, ContinuousClock.now) }
            cluster.proposeOnce(.persisted(batch.persisted))
            succeeded()
        }
    }

    /// What has left the state cannot be written again: somebody must know of each (`design/state.md` 22).
    private func reportGap(after watermark: Revision) {
        let gap = cluster.state.evicted(after: watermark, limit: limits.namedTasks)
        guard gap.count > 0 || !gap.isComplete else { return }
        logger.error(
            "PostgreSQL has lost tasks that have left the replicated state",
            metadata: [
                "tasks": .array(gap.tasks.map { "\($0.tenant)/\($0.id)" }), "named": "\(gap.tasks.count)",
                "known": "\(gap.count)", "are_all_known": "\(gap.isComplete)",
            ])
    }

    /// The outbox up to what a quorum agrees on, without what was written a moment ago.
    private func due(
        _ state: ClusterState, written: inout [TaskKey: (revision: Revision, at: ContinuousClock.Instant)]
    ) -> [OutboxItem] {
        let confirmed = cluster.confirmedIndex
        let now = ContinuousClock.now
        // Enough to find a batch behind what is still on its way to the log.
        let items = state.outbox(limit: limits.batchTasks + written.count, byteLimit: .max)
        let held = Set(items.map(\.key))
        written = written.filter { held.contains($0.key) && now - $0.value.at < limits.confirmationPause }
        var due: [OutboxItem] = []
        for item in items {
            guard item.revision.index <= confirmed, due.count < limits.batchTasks else { break }
            if let last = written[item.key], last.revision >= item.revision { continue }
            due.append(item)
        }
        return due
    }
}
