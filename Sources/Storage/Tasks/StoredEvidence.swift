public import ClusterState

/// What PostgreSQL has of a task, for a command about a task that has left the state (`design/state.md` 21).
public struct StoredEvidence: Sendable, Equatable {
    public var evidence: TaskEvidence
    /// Nil unless asked for, and for a row that an earlier release wrote, which did not keep all that it takes.
    public var archive: TaskArchive?

    public init(_ evidence: TaskEvidence, archive: TaskArchive? = nil) {
        self.evidence = evidence
        self.archive = archive
    }
}
