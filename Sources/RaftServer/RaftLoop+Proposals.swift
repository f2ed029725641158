import Logging
import Raft

extension RaftLoop {
    /// Takes new proposals of this node, and what others have forwarded, to wherever the leader is.
    ///
    /// A leader lets them gather while its last entries are not synced: what arrives during one sync then makes one write, one
    /// message to each member and one sync there, instead of many small ones. Neither for long nor without a limit: the other
    /// members can commit without a leader whose disk is slow.
    func submit(_ proposals: [[UInt8]]) {
        gathered.append(contentsOf: proposals)
        guard !gathered.isEmpty || !forwarded.isEmpty else { return }
        if hasLostMajority, !gathered.isEmpty {
            gathered = []
            ports.failAll(.noQuorum)
        } else if raft.standing.role == .leader, raft.durableIndex < raft.lastLog.index {
            let now = MonotonicTime.now
            let end = gatheringEnd ?? now.adding(milliseconds: limits.gatheringMilliseconds)
            gatheringEnd = end
            if now < end, gatheredBytes < limits.gatheredBytes { return }
        }
        let proposals = gathered
        gathered = []
        forwardOrPropose(proposals)
    }

    private var gatheredBytes: Int {
        gathered.reduce(forwarded.reduce(0) { $0 + $1.bytes.count }) { $0 + $1.count }
    }

    /// Submits and asks again everything that waits, as after a change of leader: what has taken effect already will not do so
    /// again.
    func resubmit() {
        gathered = []
        forwardOrPropose(ports.unanswered(false))
        if let number = reads.request(now: MonotonicTime.now, again: true) { askLeader(number) }
    }

    /// Without a known leader the proposals stay held: the next change of role submits them.
    func forwardOrPropose(_ proposals: [[UInt8]]) {
        var frames: [ForwardedFrame] = []
        swap(&frames, &forwarded)
        if gathered.isEmpty { gatheringEnd = nil }
        guard let leader = raft.standing.leader else { return }
        if leader == raft.id {
            propose(&frames, proposals)
        } else {
            forward(proposals, to: leader)
        }
    }

    /// Appends all of it in one step. The times are stamped here, in the order of the log.
    private func propose(_ frames: inout [ForwardedFrame], _ proposals: [[UInt8]]) {
        guard !frames.isEmpty || !proposals.isEmpty else { return }
        let wall = wallTimeMicroseconds()
        let time = clock.read(now: MonotonicTime.now, wallMicroseconds: wall)
        var batch: [Proposal] = []
        batch.reserveCapacity(frames.reduce(proposals.count) { $0 + $1.proposals.count })
        origins.removeAll(keepingCapacity: true)
        func add(_ data: ArraySlice<UInt8>, from peer: NodeID?) {
            batch.append(Proposal(token: UInt64(batch.count), data: data))
            origins.append(
                ProposalOrigin(
                    peer: peer, boot: BootID(data.littleEndian(at: data.startIndex + 32)),
                    sequence: data.littleEndian(at: data.startIndex + 40)))
        }
        for place in frames.indices {
            for range in frames[place].proposals { stamp(&frames[place].bytes, at: range.lowerBound, time, wall) }
            for range in frames[place].proposals { add(frames[place].bytes[range], from: frames[place].peer) }
        }
        for proposal in proposals {
            var bytes = proposal
            stamp(&bytes, at: 0, time, wall)
            add(bytes[...], from: nil)
        }
        step(.propose(batch))
        origins.removeAll(keepingCapacity: true)
    }

    private func stamp(_ bytes: inout [UInt8], at offset: Int, _ time: UInt64, _ wall: UInt64) {
        Envelope.stamp(&bytes, at: offset, clusterTimeMicroseconds: time, wallTimeMicroseconds: wall)
    }

    private func forward(_ proposals: [[UInt8]], to leader: NodeID) {
        var start = 0
        while start < proposals.count {
            var end = start
            var bytes = 0
            while end < proposals.count, end == start || bytes + proposals[end].count <= limits.forwardedBytes {
                bytes += proposals[end].count
                end += 1
            }
            ports.send(ForwardedProposals.encode(proposals[start..<end]), .proposals, leader)
            start = end
        }
    }

    func receiveForwarded(_ frame: [UInt8], from peer: NodeID) {
        guard let ranges = ForwardedProposals.ranges(in: frame) else {
            return logger.warning(
                "forwarded proposals cannot be read", metadata: ["peer": .stringConvertible(peer.rawValue)])
        }
        // A node that does not lead stays silent: the sender asks again as soon as it knows who does.
        guard raft.standing.role == .leader else { return }
        forwarded.append(ForwardedFrame(peer: peer, bytes: frame, proposals: ranges))
    }

    func refuse(_ tokens: [UInt64], _ reason: RejectionReason) {
        let refusal: (limit: UInt64, error: RequestError)
        switch reason {
        case .notLeader, .transferring: return  // Held where it came from, and submitted again.
        case .overloaded: refusal = (0, .overloaded)
        case .tooLarge(let limit): refusal = (UInt64(limit), .tooLarge(limitBytes: limit))
        }
        for token in tokens {
            let origin = origins[Int(token)]
            // Commands outside a session are repeated by whoever proposed them; nobody waits for their refusal.
            guard origin.sequence > 0 else { continue }
            if let peer = origin.peer {
                let bytes = ProposalRefusal(boot: origin.boot, sequence: origin.sequence, limitBytes: refusal.limit)
                ports.send(bytes.encoded(), .proposalRefused, peer)
            } else {
                ports.proposalRefused(origin.sequence, refusal.error)
            }
        }
    }
}
