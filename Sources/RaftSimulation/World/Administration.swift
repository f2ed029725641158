import Raft

/// What an operator asks of a node.
enum Administration {
    case transferLeadership(to: NodeID?)
    /// SIGTERM: hand over, then end.
    case terminate
}

extension World {
    func administer(_ action: Administration, at node: Node) {
        guard let process = node.process, !node.isPaused(at: now), !process.isTerminating else { return }
        trace.note(now, "node \(node.id) is asked to \(action)")
        switch action {
        case .transferLeadership(let target):
            guard process.raft.standing.role == .leader else { return }
            marks.hit(.transferBegun)
            process.step(.transferLeadership(to: target))
        case .terminate:
            marks.hit(.terminated)
            process.isTerminating = true
            if process.raft.standing.role == .leader { process.step(.transferLeadership(to: nil)) }
            queue.schedule(
                .endOfTermination(process), at: now + options.settings.electionMilliseconds * 1000)
        }
    }
}
