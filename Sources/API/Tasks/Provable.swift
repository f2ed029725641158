import ClusterState
import Storage

/// A command about tasks that may have left the live state.
struct Provable {
    enum Kind {
        case submit(SubmitTask)
        case execute(ExecuteTask)
    }

    private(set) var kind: Kind
    /// What PostgreSQL was last asked about.
    private var soughtIDs: [String] = []

    init(_ kind: Kind) {
        self.kind = kind
    }

    var body: Command.OneOf_Body {
        switch kind {
        case .submit(let command): .submitTask(command)
        case .execute(let command): .executeTask(command)
        }
    }

    /// The task that shall run again.
    var subjectID: String? {
        switch kind {
        case .submit: nil
        case .execute(let command): command.taskID
        }
    }

    /// Whether PostgreSQL may know what would change the answer: it was not asked yet, or answered too early.
    func lacksEvidence(_ rejection: Rejection) -> Bool {
        switch rejection {
        case .stale: true
        case .unknownDependency(let id): !wasSought(id)
        case .unknownTask, .evicted: subjectID.map { !wasSought($0) } ?? false
        case .malformed, .noCluster, .clusterExists, .invalid, .tooLarge, .overloaded, .idempotencyConflict,
            .idempotencyTableFull, .unknownNode, .unknownIncarnation, .unknownStep, .alreadyExists, .wrongState,
            .stepAlreadyCompleted, .fenced, .sessionEnded, .outcomeForgotten, .windowExceeded, .notAllNodesReady,
            .changeInFlight, .noVoterLeft, .tooManyVoters:
            false
        }
    }

    private func wasSought(_ id: String) -> Bool { soughtIDs.contains { $0.utf8.elementsEqual(id.utf8) } }

    /// The tasks that it is about and `state` does not have, as far as is known.
    func absentIDs(in state: ClusterState, tenant: String) -> [String] {
        func key(_ id: String) -> TaskKey? { TaskKey(tenant: tenant, id: id) }
        let dependencies: [String]
        switch kind {
        case .submit(let command): dependencies = command.spec.dependsOn
        case .execute(let command):
            let live = key(command.taskID).flatMap { state.task($0) }
            dependencies = (live?.spec ?? command.archive.spec).dependsOn
        }
        let absent = dependencies.filter { id in
            key(id).map { state.task($0) == nil && state.tombstone($0) == nil } ?? false
        }
        guard let subjectID, key(subjectID).map({ state.task($0) == nil }) ?? false else { return absent }
        return [subjectID] + absent
    }

    /// Takes what PostgreSQL answered about `ids`.
    mutating func take(_ found: [StoredEvidence], about ids: [String]) {
        soughtIDs = ids
        let evidence = found.map(\.evidence)
        switch kind {
        case .submit(var command):
            command.evidence = evidence
            kind = .submit(command)
        case .execute(var command):
            command.evidence = evidence
            command.clearArchive()
            if let archive = found.lazy.compactMap(\.archive).first { command.archive = archive }
            kind = .execute(command)
        }
    }
}
