import Logging
import Raft

extension RaftLoop {
    /// Takes new proposals of this node to wherever the leader is.
    func submit(_ proposals: [[UInt8]]) {
        if hasLostMajority { return ports.failAll(.noQuorum) }
        forwardOrPropose(proposals)
    }

    /// Submits everything that waits, as after a change of leader: what has taken effect already will not do so again.
    func resubmit() {
        forwardOrPropose(ports.unanswered(0))
    }

    /// Without a known leader the proposals stay held: the next change of role submits them.
    func forwardOrPropose(_ proposals: [[UInt8]]) {
        guard !proposals.isEmpty, let leader = raft.standing.leader else { return }
        if leader == raft.id {
            var batch: [(origin: ProposalOrigin, data: ArraySlice<UInt8>)] = []
            batch.reserveCapacity(proposals.count)
            for proposal in proposals {
                var bytes = proposal
                let origin = ProposalOrigin(peer: nil, sequence: sequence(of: bytes[...]))
                stamp(&bytes, at: 0)
                batch.append((origin, bytes[...]))
            }
            propose(batch)
        } else {
            forward(proposals, to: leader)
        }
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
            return logger.warning("forwarded proposals cannot be read", metadata: ["peer": "\(peer)"])
        }
        // A node that does not lead stays silent: the sender asks again as soon as it knows who does.
        guard raft.standing.role == .leader else { return }
        var bytes = frame
        for range in ranges { stamp(&bytes, at: range.lowerBound) }
        propose(ranges.map { (ProposalOrigin(peer: peer, sequence: sequence(of: bytes[$0])), bytes[$0]) })
    }

    private func stamp(_ bytes: inout [UInt8], at offset: Int) {
        let wall = wallTimeMicroseconds()
        let time = clock.read(now: MonotonicTime.now, wallMicroseconds: wall)
        Envelope.stamp(&bytes, at: offset, clusterTimeMicroseconds: time, wallTimeMicroseconds: wall)
    }

    private func sequence(of envelope: ArraySlice<UInt8>) -> UInt64 {
        envelope.littleEndian(at: envelope.startIndex + 40)
    }

    private func propose(_ batch: [(origin: ProposalOrigin, data: ArraySlice<UInt8>)]) {
        origins = batch.map(\.origin)
        step(.propose(batch.enumerated().map { Proposal(token: UInt64($0.offset), data: $0.element.data) }))
        origins = []
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
                let bytes = ProposalRefusal(sequence: origin.sequence, limitBytes: refusal.limit).encoded()
                ports.send(bytes, .proposalRefused, peer)
            } else {
                ports.proposalFailed(origin.sequence, refusal.error)
            }
        }
    }
}
