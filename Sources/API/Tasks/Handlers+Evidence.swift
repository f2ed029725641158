import ClusterState
import Logging
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
            guard state.machineVersion >= Command.evidenceSince else {
                throw try await refusalWithoutEvidence(rejection, command, call)
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
            // Nothing that was needed is there, and what the log said of the rest stands.
            if found.isEmpty, rejection != .stale { throw refusal(rejection) }
            command.take(found, about: ids)
        }
        throw Problem(.storeUnavailable, "PostgreSQL has not caught up with what has left the live state")
    }

    /// While a node of the cluster does not know evidence, a task that has left can only be read.
    private func refusalWithoutEvidence(
        _ rejection: Rejection, _ command: Provable, _ call: Call
    ) async throws(Problem) -> Problem {
        let id = if case .unknownDependency(let id) = rejection { id } else { command.subjectID }
        guard let key = id.flatMap({ TaskKey(tenant: call.caller.tenant, id: $0) }),
            try await stored(key).get() != nil
        else { return refusal(rejection) }
        return Problem(.archived, "\(key.id) can be used again when every node of the cluster has been upgraded")
    }
}
