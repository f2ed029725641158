import Raft

/// What the last published status was, as far as it decides about the next one.
struct LastPublished {
    var standing: Standing?
    var membership: Membership?
    var snapshotIndex = LogIndex.zero
    var hasLostMajority = false
    var isHalted = false
    var logTrouble: LogTrouble?
    var at = MonotonicTime(microseconds: 0)
}

// A status costs a few allocations, an event may cost less than that. So what others act on is published at once, and the
// figures at a pace.
extension RaftLoop {
    /// - Parameter isPaceReached: nothing may have happened for a while; the figures of the last event are due.
    func publishIfDue(at now: MonotonicTime, isPaceReached: Bool) {
        let hasChanged =
            published.standing != publicStanding || published.membership != raft.membership
            || published.isHalted != (halted != nil)
            || published.hasLostMajority != hasLostMajority || published.logTrouble != logTrouble
            || published.snapshotIndex != raft.latestSnapshot.position.index
        guard hasChanged || isPaceReached || published.at.adding(milliseconds: limits.statusMilliseconds) <= now else {
            return
        }
        publish(at: now)
    }

    /// Who takes no part follows nobody and leads nobody.
    var publicStanding: Standing {
        halted == nil ? raft.standing : Standing(role: .follower, term: raft.standing.term, leader: nil)
    }

    var logTrouble: LogTrouble? {
        guard halted == nil, space != .exhausted, let since = raft.oldestWriteSince else { return space }
        return tick.since(since) >= raft.settings.diskStallMilliseconds ? .stalled : space
    }

    func publish(at now: MonotonicTime) {
        let standing = publicStanding
        published = LastPublished(
            standing: standing, membership: raft.membership, snapshotIndex: raft.latestSnapshot.position.index,
            hasLostMajority: hasLostMajority,
            isHalted: halted != nil, logTrouble: logTrouble, at: now)
        let isLeader = standing.role == .leader
        status.update(
            PublishedStatus.Figures(
                status: ServerStatus(
                    id: raft.id, standing: standing, membership: raft.membership, lastIndex: raft.lastLog.index,
                    firstIndex: raft.firstIndex, commitIndex: raft.commitIndex, durableIndex: raft.durableIndex,
                    appliedIndex: raft.appliedIndex, snapshotIndex: raft.latestSnapshot.position.index,
                    peers: raft.peers.map {
                        ServerStatus.Peer(
                            id: $0.id, match: $0.match, isReachable: reachable.contains($0.id),
                            millisecondsSinceContact: 0)
                    },
                    millisecondsSinceLeaderContact: nil,
                    clusterTimeMicroseconds: isLeader
                        ? clock.read(now: MonotonicTime.now, wallMicroseconds: wallTimeMicroseconds()) : 0,
                    hasLostMajority: hasLostMajority, halted: halted, logTrouble: logTrouble,
                    uncommittedBytes: raft.uncommittedBytes,
                    refusedMessages: raft.refusedMessages),
                peerContacts: raft.peers.map { moment(of: $0.lastContact) },
                leaderContact: halted == nil ? raft.lastContactWithLeader.map { moment(of: $0) } : nil,
                publishedAt: now))
    }
}
