import ClusterState
import FoundationEssentials
import Logging
import Raft
import RaftServer
import SwiftProtobuf
import Telemetry

// One way to the log for everything that a run reports.
extension TaskRun {
    enum CommitResult {
        case committed
        /// The state does not take it as it is; the task is still this run's.
        case refused(String)
        /// The task is no longer this run's: cancelled, ended, or another node's.
        case taken
        /// The node is stopping, or the run was cancelled before there was an outcome.
        case stopped
    }

    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(1)

    /// Proposes until there is an outcome. A proposal that was given up may have taken effect; then the repetition is told so.
    ///
    /// Also in a run that was cancelled: whether a result came before its cancellation, and what it has cost, is for the log to say.
    func commit(_ body: Command.OneOf_Body) async -> CommitResult {
        var pause = Self.firstPause
        while true {
            do throws(RequestError) {
                if let result = judge(try await proposeToTheEnd(body).get()) { return result }
            } catch {
                switch error {
                case .stopped, .cancelled: return .stopped
                case .tooLarge(let limit): return .refused("a command has at most \(limit) bytes")
                case .noQuorum, .timedOut, .overloaded, .diskFull: break
                }
            }
            guard isOurs else { return .taken }
            guard (try? await Task.sleep(for: pause)) != nil else { return .stopped }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// A result that does not fit into a command goes into the log in chunks, and is then named by its digest.
    /// - Returns: why that was not possible; nil if the payload can be committed now.
    func uploadIfLarge(_ payload: inout Payload?) async -> CommitResult? {
        let limits = Limits.version1
        guard let whole = payload, whole.inlineBytes.count > limits.chunkBytes,
            cluster.state.machineVersion >= ClusterState.payloadsBesideSince
        else { return nil }
        let bytes = whole.inlineBytes
        for start in stride(from: 0, to: bytes.count, by: limits.chunkBytes) {
            let result = await commit(
                .resultChunk(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                        $0.sha256 = whole.sha256
                        $0.offset = UInt64(start)
                        $0.data = Data(bytes.dropFirst(start).prefix(limits.chunkBytes))
                    }))
            guard case .committed = result else { return result }
        }
        payload = whole.asUploaded
        return nil
    }

    /// In a task of its own, which only the end of the node cancels.
    func proposeToTheEnd(_ body: Command.OneOf_Body) async -> Result<Outcome, RequestError> {
        if Task.isCancelled, isStopping() { return .failure(.cancelled) }
        let proposal = Task { [cluster, tenant = key.tenant] () async -> Result<Outcome, RequestError> in
            do throws(RequestError) {
                return .success(try await cluster.propose(body, tenant: tenant))
            } catch {
                return .failure(error)
            }
        }
        return await withTaskCancellationHandler {
            await proposal.value
        } onCancel: {
            if isStopping() { proposal.cancel() }
        }
    }

    /// Nil: to be proposed again.
    private func judge(_ outcome: Outcome) -> CommitResult? {
        let rejection: Rejection
        switch outcome {
        case .done, .task, .replayed: return .committed
        case .rejected(let reason): rejection = reason
        }
        switch rejection {
        case .stepAlreadyCompleted: return .committed
        case .fenced:
            counters.fenced.increment()
            logger.notice(
                "a late result was fenced",
                metadata: ["task_id": "\(key.id)", "epoch": .stringConvertible(epoch.rawValue)])
            return .taken
        case .wrongState, .unknownTask, .evicted, .sessionEnded, .stale: return .taken
        case .outcomeForgotten, .windowExceeded, .overloaded, .idempotencyTableFull: return nil
        case .tooLarge(let limit): return .refused("a result has at most \(limit) bytes")
        case .invalid(let field): return .refused("\(field) is outside its range")
        case .malformed, .noCluster, .clusterExists, .idempotencyConflict, .unknownNode, .unknownIncarnation,
            .unknownDependency, .unknownStep, .alreadyExists, .notAllNodesReady, .changeInFlight, .noVoterLeft,
            .tooManyVoters:
            return .refused("\(rejection)")
        }
    }
}
