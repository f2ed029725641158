/// Bugs that consensus implementations have had, brought back one at a time: a simulator that does not find them would not find
/// new ones either (`design/raft.md` §3.9). Ordinary builds know their names, so that a misspelt one is refused at once, and
/// contain none of their behaviour.
public enum Mutant: String, CaseIterable, Sendable {
    // Raft
    case changesMembersInOneStep = "P1-changes-members-in-one-step-before-own-term-commit"
    case commitsOlderTermByCounting = "P2-commits-older-term-by-counting"
    case readsBeforeOwnTermCommit = "P3-reads-before-own-term-commit"
    case lateAnswersConfirmReads = "P4-late-answers-confirm-reads"
    case forgetsVoteOnStepDown = "P7-forgets-vote-on-step-down"
    case answersBeforeSync = "P8-answers-before-sync"
    case leaderCountsUnsynced = "P8-leader-counts-unsynced-entries"
    case completionOfTruncatedWrite = "P9-completion-of-truncated-write"
    case appliesBeforeDurable = "P10-applies-before-durable"
    case leaderIgnoresLostQuorum = "P14-leader-ignores-lost-quorum"
    case rejectsWithoutNewerTerm = "P15-rejects-without-newer-term"
    case snapshotRestoresOldMembership = "P16-snapshot-restores-old-membership"
    case failedSnapshotIsForgotten = "P17-failed-snapshot-is-forgotten"
    case quorumOfUnsortedValues = "P18-quorum-of-unsorted-values"
    case appendAlwaysTruncates = "P19-append-always-truncates"
    case appendWithoutPrevious = "P19-append-without-previous"
    case transferWithoutEnd = "P24-transfer-without-end"
    case leaverDoesNotCampaign = "leaver-does-not-campaign"
    case votesForShorterLog = "votes-for-shorter-log"
    case appliesBehindSnapshot = "applies-behind-snapshot"
    // Other rooms
    case sessionsForgetOutcomes = "P21-sessions-forget-outcomes"
    case wipedDiskIsFormatted = "P22-wiped-disk-is-formatted"
    case newcomerCampaigns = "P22-newcomer-campaigns"
    case anyFolderIsAccepted = "P22-any-folder-is-accepted"
    case damageIsTakenForTornTail = "P12-damage-is-taken-for-torn-tail"
    case logIsNotSynced = "P8-log-is-not-synced"
    case snapshotIsNotSynced = "P11-snapshot-is-not-synced"
    case payloadsAreNotSynced = "payloads-are-not-synced"

    #if AMAS_MUTANTS
        /// Set once, before anything runs.
        nonisolated(unsafe) public static var active: Mutant?
    #endif
}
