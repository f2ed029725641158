/// Branches that few runs take and many bugs hide in. A simulation that never takes one has not tried it, and says so.
public enum CoverageMark: UInt8, CaseIterable, Sendable {
    // Elections
    case voteRefusedWhileLeaderIsHeard, electionOnClosedLink, electionLeftToHigherPriority, ballotLost
    case voteByLearner, formerLeaderTold, leaderLostQuorum, stalledLeaderHandedOver, stalledLeaderResigned
    // Replication
    case olderTermNotCounted, conflictSkippedTerm, appendBehindCompaction, windowRepeated, memberForgot,
        leaderCountsOnLostDisk
    case durableEntriesTruncated, unwrittenEntriesTruncated, promiseVoid, proposalOverload
    // Reads
    case readBeforeOwnTermCommit, lateRoundAnswered, readsLostWithLeadership
    // Transfers
    case transferTimedOut, transferSeenCompleted, leaverHandedOver
    // Snapshots
    case snapshotReplacedEntries, snapshotBehindCommit, snapshotAgreesWithLog, snapshotSendFailed
    // Members
    case configurationTruncated, jointLeftByAnother, jointCompacted, jointInstalled, startedInJoint
    case changeBeforeOwnTermCommit, changeWhileChanging, memberFollowedAnew, promotedWhenCaughtUp
    case campaignOfLeaver, leaverSteppedAside, newcomerHeldBack
}

/// The marks that were hit since they were last taken. What a node has been through is no part of its state: two that differ
/// in nothing else are equal.
public struct CoverageMarks: Hashable, Sendable {
    private var bits: UInt64 = 0

    public var isEmpty: Bool { bits == 0 }

    public func contains(_ mark: CoverageMark) -> Bool { bits & 1 << UInt64(mark.rawValue) != 0 }

    mutating func insert(_ mark: CoverageMark) { bits |= 1 << UInt64(mark.rawValue) }

    public static func == (left: CoverageMarks, right: CoverageMarks) -> Bool { true }

    public func hash(into hasher: inout Hasher) {}
}
