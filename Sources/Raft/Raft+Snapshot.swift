// Snapshots (Raft §7). The value decides when one is needed and what it means; the server moves the bytes, on a bulk channel
// that does not hold up heartbeats.
extension Raft {
    // MARK: Leader

    mutating func sendSnapshot(to place: Int) {
        guard let peer = leadership?.peers[place] else { return }
        precondition(snapshot.position.index >= log.base.index, "what is compacted is in the newest snapshot")
        leadership?.peers[place].state = .snapshot(snapshot.position.index)
        leadership?.peers[place].inFlight = []
        leadership?.peers[place].repeatNotBefore = nil
        emit(.sendSnapshot(to: peer.id, snapshot))
    }

    mutating func snapshotSent(to peer: NodeID, succeeded: Bool) {
        guard let place = leadership?.place(of: peer), case .snapshot = leadership?.peers[place].state else { return }
        // Sent is not installed: appends go on when the member acknowledges the snapshot, or, if it never arrived whole,
        // from what the member is known to have.
        if succeeded {
            leadership?.peers[place].repeatNotBefore = now + settings.electionMilliseconds
        } else {
            #if AMAS_MUTANTS
                if Mutant.active == .failedSnapshotIsForgotten { return }
            #endif
            mark(.snapshotSendFailed)
            leadership?.peers[place].becomeProbeAfterFailedSnapshot()
        }
    }

    mutating func snapshotSaved(_ descriptor: SnapshotDescriptor, compactThrough: LogIndex) {
        precondition(compactThrough <= descriptor.position.index, "only what a snapshot contains is forgotten")
        precondition(descriptor.position.index <= log.applied, "a snapshot is taken of what was applied")
        precondition(
            descriptor.position.index > snapshot.position.index,
            "whoever wrote it drops a snapshot that one from the leader has overtaken")
        snapshot = descriptor
        guard compactThrough > log.base.index else { return }
        if log.membership(at: compactThrough).isJoint { mark(.jointCompacted) }
        log.compact(through: compactThrough)
        emit(.compact(through: compactThrough))
    }

    // MARK: Follower

    mutating func receiveSnapshot(_ descriptor: SnapshotDescriptor, from sender: NodeID) {
        precondition(role != .leader, "two leaders in term \(hardState.term): \(id) and \(sender)")
        becomeFollower(term: hardState.term, leader: sender)
        lastLeaderContact = now
        guard installing == nil else { return }
        if descriptor.position.index <= log.commit {
            mark(.snapshotBehindCommit)
            return sendOnceDurable(.appendAccepted(match: log.commit), to: sender)
        }
        if log.term(at: descriptor.position.index) == descriptor.position.term {
            // The entries are here already; the snapshot proves them committed.
            mark(.snapshotAgreesWithLog)
            log.commit(to: descriptor.position.index)
            return sendOnceDurable(.appendAccepted(match: descriptor.position.index), to: sender)
        }
        installing = descriptor
        emit(.installSnapshot(descriptor))
    }

    mutating func snapshotInstalled(_ descriptor: SnapshotDescriptor) {
        precondition(installing == descriptor, "one snapshot is installed at a time")
        installing = nil
        if log.last.index > log.commit { mark(.snapshotReplacedEntries) }
        if descriptor.membership.isJoint { mark(.jointInstalled) }
        log.reset(to: descriptor)
        snapshot = descriptor
        resetElectionDeadline()
        if let leader { sendOnceDurable(.appendAccepted(match: descriptor.position.index), to: leader) }
    }
}

extension Progress {
    mutating func becomeProbeAfterFailedSnapshot() {
        state = .probe(waiting: true)  // The next heartbeat answer tries again, so a broken member is not flooded.
        next = match.next
        inFlight = []
    }
}
