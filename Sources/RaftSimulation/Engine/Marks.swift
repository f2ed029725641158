/// What a run has been through. A run in which nothing happened shows nothing.
struct Marks {
    enum Mark: Int, CaseIterable {
        case leaderElected, processEnded, crashedBetweenEffects, crashedAtStart, startRefused, paused
        case linkCut, linkClogged, linkOverflowed, frameLost, frameDuplicated, frameReordered
        case diskStalled, diskFailed, diskFull, logWaitedForSpace, bitFlipped, writeMisdirected, diskWiped
        case tornTailCut, segmentsRemoved, snapshotTaken, snapshotSent, snapshotInstalled
        case transferBegun, transferCompleted, transferFailed, terminated
        case membershipChangeBegun, membershipChangeRefused
        case proposalsGathered, proposalRefused, nodeJudgedGone, duplicateApplied
        case entriesTruncated, priorTermCommitted
        case writeAcknowledged, readAnswered, outcomeUnknown, taskCompleted
    }

    private(set) var counts = [UInt64](repeating: 0, count: Mark.allCases.count)

    subscript(mark: Mark) -> UInt64 { counts[mark.rawValue] }

    mutating func hit(_ mark: Mark, times: UInt64 = 1) {
        counts[mark.rawValue] += times
    }

    static func += (left: inout Marks, right: Marks) {
        for place in left.counts.indices { left.counts[place] += right.counts[place] }
    }
}
