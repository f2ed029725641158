import Raft
import WriteAheadLog

// Bugs that are brought back on purpose. Every build knows their names; only one with AMAS_MUTANTS has them.
extension Simulation {
    public static let mutants = Mutant.allCases.map(\.rawValue)

    #if AMAS_MUTANTS
        /// Must be called before the first run. False if there is no such bug.
        public static func bringBack(_ name: String) -> Bool {
            guard let mutant = Mutant(rawValue: name) else { return false }
            Mutant.active = mutant
            switch mutant {
            case .damageIsTakenForTornTail: LogMutant.active = .damageIsTakenForTornTail
            case .logIsNotSynced: LogMutant.active = .isNotSynced
            case .payloadsAreNotSynced: LogMutant.active = .payloadsAreNotSynced
            case .commitsOlderTermByCounting, .readsBeforeOwnTermCommit, .lateAnswersConfirmReads,
                .forgetsVoteOnStepDown, .answersBeforeSync, .leaderCountsUnsynced, .completionOfTruncatedWrite,
                .appliesBeforeDurable, .leaderIgnoresLostQuorum, .rejectsWithoutNewerTerm, .failedSnapshotIsForgotten,
                .quorumOfUnsortedValues, .appendAlwaysTruncates, .appendWithoutPrevious, .transferWithoutEnd,
                .votesForShorterLog, .appliesBehindSnapshot, .sessionsForgetOutcomes, .wipedDiskIsFormatted,
                .snapshotIsNotSynced, .changesMembersInOneStep, .snapshotRestoresOldMembership,
                .leaverDoesNotCampaign, .newcomerCampaigns, .anyFolderIsAccepted:
                break
            }
            return true
        }
    #else
        /// False: this build has no bugs.
        public static func bringBack(_ name: String) -> Bool { false }
    #endif
}
