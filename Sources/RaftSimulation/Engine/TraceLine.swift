import Raft

/// A step as a line to read.
enum TraceLine {
    static func note(_ world: World, _ process: Process, _ input: Input, _ effects: [Effect]) {
        if case .tick = input, effects.isEmpty { return }
        let standing = process.raft.standing
        let role =
            switch standing.role {
            case .follower: "follower"
            case .preCandidate: "pre-candidate"
            case .candidate: "candidate"
            case .leader: "LEADER"
            }
        world.trace.note(
            world.now,
            "node \(process.id) \(role) term \(standing.term) last \(process.raft.lastLog.index) "
                + "commit \(process.raft.commitIndex) <- \(describe(input))")
        for effect in effects { world.trace.note(world.now, "    -> \(describe(effect))") }
    }

    private static func describe(_ input: Input) -> String {
        switch input {
        case .tick: "tick"
        case .message(let message): "from \(message.from) \(describe(message))"
        case .persisted(let token): "persisted \(token.rawValue)"
        case .propose(let proposals): "propose \(proposals.count)"
        case .read(let token): "read \(token.rawValue)"
        case .applied(let index): "applied \(index)"
        case .linkUp(let peer): "link to \(peer) up"
        case .linkDown(let peer): "link to \(peer) down"
        case .transferLeadership(let target): "transfer to \(target.map { "\($0)" } ?? "anybody")"
        case .changeMembership(_, let change): "change the membership: \(change)"
        case .snapshotSaved(let descriptor, let through):
            "snapshot saved at \(descriptor.position.index), compact through \(through)"
        case .snapshotInstalled(let descriptor): "snapshot installed at \(descriptor.position.index)"
        case .snapshotSent(let peer, let succeeded): "snapshot sent to \(peer): \(succeeded)"
        }
    }

    private static func describe(_ effect: Effect) -> String {
        switch effect {
        case .send(let message): "to \(message.to) \(describe(message))"
        case .persist(let write):
            "persist \(write.token.rawValue)"
                + (write.truncateFrom.map { " truncate from \($0)" } ?? "")
                + (write.hardState.map { " term \($0.term) vote \($0.votedFor.map { "\($0)" } ?? "none")" } ?? "")
                + (write.entries.isEmpty
                    ? "" : " entries \(write.entries[0].index)…\(write.entries[write.entries.count - 1].index)")
        case .apply(let entries): "apply \(entries[0].index)…\(entries[entries.count - 1].index)"
        case .readReady(let token, let index): "read \(token.rawValue) ready at \(index)"
        case .readRejected(let token, let reason): "read \(token.rawValue) rejected: \(reason)"
        case .proposalsRejected(let tokens, let reason): "\(tokens.count) proposals rejected: \(reason)"
        case .sendSnapshot(let peer, let descriptor): "send snapshot \(descriptor.position.index) to \(peer)"
        case .installSnapshot(let descriptor): "install snapshot \(descriptor.position.index)"
        case .compact(let through): "compact through \(through)"
        case .roleChanged(let standing): "role \(standing.role) of term \(standing.term)"
        case .membershipChanged(let membership): "membership \(membership.voters) \(membership.outgoing)"
        case .membershipChangeAccepted(_, let index): "membership change accepted at \(index)"
        case .membershipChangeRejected(_, let rejection): "membership change rejected: \(rejection)"
        case .memberForgot(let peer, let acknowledged, let last): "member \(peer) denies \(acknowledged), has \(last)"
        case .transferEnded(let outcome): "transfer ended: \(outcome)"
        }
    }

    private static func describe(_ message: Message) -> String {
        let body =
            switch message.body {
            case .preVoteRequest(let last): "pre-vote? \(last.index)/\(last.term)"
            case .preVoteResponse(let granted, let candidacy): "pre-vote for \(candidacy): \(granted)"
            case .voteRequest(let last, let transfer): "vote? \(last.index)/\(last.term)\(transfer ? " transfer" : "")"
            case .voteResponse(let granted): "vote: \(granted)"
            case .appendEntries(let append):
                "append after \(append.previous.index)/\(append.previous.term) +\(append.entries.count) commit \(append.commit)"
            case .appendAccepted(let match): "accepted \(match)"
            case .appendRejected(let rejected, let hint): "rejected \(rejected) hint \(hint.index)/\(hint.term)"
            case .heartbeat(let commit, let round): "heartbeat commit \(commit) round \(round)"
            case .heartbeatResponse(let round): "heartbeat answer \(round)"
            case .installSnapshot(let descriptor): "snapshot \(descriptor.position.index)/\(descriptor.position.term)"
            case .timeoutNow: "campaign now"
            case .staleTerm: "stale term"
            }
        return "[term \(message.term)] \(body)"
    }
}
