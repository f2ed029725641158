import Raft

/// Whoever the logs on the disks can elect has everything that is committed (Raft §5.4). `LeaderCompleteness` sees a leader that
/// lacks something; this sees the quorum that could elect one, whether or not it comes to that (P1, P16).
enum ElectableIsComplete {
    /// After an entry was committed for the first time.
    static func check(_ committed: CommittedImmutable, _ world: World) throws(Violation) {
        let last = LogIndex(UInt64(committed.count))
        for node in world.nodes {
            guard let process = node.process, case let raft = process.raft, raft.membership.isVoter(node.id),
                !raft.isNewcomer, last >= raft.firstIndex,
                raft.term(at: last) != committed.term(at: last)
            else { continue }
            let isElectable = raft.membership.isQuorum { id in
                let voter = world.nodes[Int(id.rawValue) - 1]
                if voter === node { return true }
                let log = max(voter.durable.last, voter.durable.snapshot)
                return !voter.isDamaged && !voter.isTruncating && log <= raft.lastLog && process.accepts(voter)
            }
            guard isElectable else { continue }
            throw Violation(
                "ElectableIsComplete", "node \(node.id), by \(raft.membership), can be elected without entry \(last)")
        }
    }
}
