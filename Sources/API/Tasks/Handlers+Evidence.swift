import ClusterState
import Orchestration
import Storage

// What the log does not know of a task any more is read from PostgreSQL and travels with the command (`design/state.md` 21).
extension Handlers {
    /// Proposes a command, and again with evidence as long as it is refused for the want of it.
    func propose(_ command: Provable, _ call: Call) async throws(Problem) -> Accepted {
        var command = command
        for read in 0...limits.evidenceReads {
            let rejection: Rejection
            switch try await propose(command.body, call) {
            case .accepted(let accepted): return accepted
            case .rejected(let reason): rejection = reason
            }
            let state = cluster.state
            guard let store, let identity = ClusterIdentity(state), command.lacksEvidence(rejection) else {
                throw refusal(rejection)
            }
            guard read < limits.evidenceReads else { break }
            if rejection == .stale { try? await Task.sleep(for: .milliseconds(limits.evidencePauseMilliseconds)) }
            let ids = command.absentIDs(in: state, tenant: call.caller.tenant)
            let found: [StoredEvidence]
            do throws(StorageError) {
                found = try await store.evidence(
                    on: ids, tenant: call.caller.tenant, archiveOf: command.subjectID, of: identity)
            } catch {
                logger.debug("the task store did not answer", metadata: ["error": "\(error)"])
                throw Problem(error)
            }
            guard state.machineVersion >= Command.evidenceSince || found.isEmpty else {
                throw Problem(.archived, "it can be used again when every node of the cluster has been upgraded")
            }
            command.take(found, about: ids)
        }
        throw Problem(.storeUnavailable, "PostgreSQL has not caught up with what has left the live state")
    }
}
