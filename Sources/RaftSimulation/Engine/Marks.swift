import Raft

/// What a run has been through: what the world did, and which rare branches of the consensus were taken. A run in which nothing
/// happened shows nothing.
struct Marks {
    enum Mark: Int, CaseIterable {
        case leaderElected, processEnded, crashedBetweenEffects, crashedAtStart, startRefused, paused
        case linkCut, linkClogged, linkOverflowed, frameLost, frameDuplicated, frameReordered
        case diskStalled, diskFailed, diskFull, logWaitedForSpace, bitFlipped, writeMisdirected, diskWiped, diskReplaced
        case tornTailCut, segmentsRemoved, snapshotTaken, snapshotSent, snapshotInstalled, payloadsReceived
        case transferBegun, transferCompleted, transferFailed, terminated
        case membershipChangeBegun, membershipChangeRefused, peerRefused
        case proposalsGathered, proposalRefused, nodeJudgedGone, duplicateApplied
        case versionRaised, upgradeRequired
        case entriesTruncated, priorTermCommitted
        case writeAcknowledged, readAnswered, outcomeUnknown, taskCompleted
    }

    /// Of the world's marks, then of Raft's.
    static let names = Mark.allCases.map { "\($0)" } + CoverageMark.allCases.map { "\($0)" }
    private(set) var counts = [UInt64](repeating: 0, count: names.count)

    subscript(mark: Mark) -> UInt64 { counts[mark.rawValue] }

    mutating func hit(_ mark: Mark, times: UInt64 = 1) {
        counts[mark.rawValue] += times
    }

    mutating func hit(_ marks: CoverageMarks) {
        guard !marks.isEmpty else { return }
        for mark in CoverageMark.allCases where marks.contains(mark) {
            counts[Mark.allCases.count + Int(mark.rawValue)] += 1
        }
    }

    static func += (left: inout Marks, right: Marks) {
        for place in left.counts.indices { left.counts[place] += right.counts[place] }
    }
}
