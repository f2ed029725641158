// Inputs, effects and messages as a reader of traces and scenarios sees them: one line each.

extension Input: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tick: "tick"
        case .message(let message): "from \(message.from) \(message)"
        case .persisted(let token): "persisted \(token.rawValue)"
        case .propose(let proposals): "propose \(proposals.count)"
        case .read(let token): "read \(token.rawValue)"
        case .applied(let index): "applied \(index)"
        case .recognized(let nodes): "recognized \(nodes.sorted())"
        case .linkUp(let peer): "link to \(peer) up"
        case .linkDown(let peer): "link to \(peer) down"
        case .transferLeadership(let target): "transfer to \(target.map { "\($0)" } ?? "anybody")"
        case .changeMembership(_, let change): "change the membership: \(change)"
        case .snapshotSaved(let snapshot, let through):
            "snapshot saved at \(snapshot.position), compact through \(through)"
        case .snapshotInstalled(let snapshot): "snapshot installed at \(snapshot.position)"
        case .snapshotSent(let peer, let succeeded): "snapshot \(succeeded ? "sent" : "not sent") to \(peer)"
        }
    }
}

extension Effect: CustomStringConvertible {
    public var description: String {
        switch self {
        case .send(let message): "to \(message.to) \(message)"
        case .persist(let write): "persist \(write)"
        case .apply(let entries): "apply \(span(of: entries[...]))"
        case .readReady(let token, let index): "read \(token.rawValue) ready at \(index)"
        case .readRejected(let token, let reason): "read \(token.rawValue) rejected: \(reason)"
        case .proposalsRejected(let tokens, let reason): "\(tokens.count) proposals rejected: \(reason)"
        case .sendSnapshot(let peer, let snapshot): "send snapshot \(snapshot.position) to \(peer)"
        case .installSnapshot(let snapshot): "install snapshot \(snapshot.position)"
        case .compact(let through): "compact through \(through)"
        case .roleChanged(let standing): "\(standing)"
        case .membershipChanged(let membership): "membership \(membership)"
        case .membershipChangeAccepted(_, let index): "membership change accepted at \(index)"
        case .membershipChangeRejected(_, let rejection): "membership change rejected: \(rejection)"
        case .memberForgot(let peer, let acknowledged, let last): "member \(peer) denies \(acknowledged), has \(last)"
        case .transferEnded(let outcome): "transfer ended: \(outcome)"
        }
    }
}

extension Message: CustomStringConvertible {
    public var description: String { "\(body) [term \(term)]" }
}

extension Message.Body: CustomStringConvertible {
    public var description: String {
        switch self {
        case .preVoteRequest(let last): "pre-vote? last \(last)"
        case .preVoteResponse(let granted, let candidacy): "pre-vote for term \(candidacy): \(granted ? "yes" : "no")"
        case .voteRequest(let last, let transfer): "vote? last \(last)\(transfer ? ", transfer" : "")"
        case .voteResponse(let granted): "vote: \(granted ? "yes" : "no")"
        case .appendEntries(let append):
            "append after \(append.previous)"
                + (append.entries.isEmpty ? ", nothing" : ": \(span(of: append.entries))") + ", commit \(append.commit)"
        case .appendAccepted(let match): "accepted \(match)"
        case .appendRejected(let rejected, let hint): "rejected \(rejected), hint \(hint)"
        case .heartbeat(let commit, let round): "heartbeat commit \(commit) round \(round)"
        case .heartbeatResponse(let round): "heartbeat answer \(round)"
        case .installSnapshot(let snapshot): "snapshot \(snapshot.position)"
        case .timeoutNow: "campaign now"
        case .staleTerm: "stale term"
        }
    }
}

extension Write: CustomStringConvertible {
    public var description: String {
        "\(token.rawValue)" + (truncateFrom.map { ", void from \($0)" } ?? "")
            + (hardState.map { ", term \($0.term) vote \($0.votedFor.map { "\($0)" } ?? "none")" } ?? "")
            + (entries.isEmpty ? "" : ", entries \(span(of: entries[...]))")
    }
}

extension LogPosition: CustomStringConvertible {
    /// Index and term.
    public var description: String { "\(index)/\(term)" }
}

extension Standing: CustomStringConvertible {
    public var description: String { "\(role.name) of term \(term), leader \(leader.map { "\($0)" } ?? "unknown")" }
}

extension Membership: CustomStringConvertible {
    public var description: String {
        func list(_ name: String, _ nodes: [NodeID]) -> String {
            nodes.isEmpty ? "" : " \(name) \(nodes.map { "\($0)" }.joined(separator: ","))"
        }
        let roles = list("voters", voters) + list("outgoing", outgoing)
        return String((roles + list("joining", joining) + list("gateways", gateways)).dropFirst())
    }
}

/// The first and the last of some entries, by index and term.
private func span(of entries: ArraySlice<Entry>) -> String {
    guard let first = entries.first, let last = entries.last else { return "none" }
    let start = LogPosition(index: first.index, term: first.term)
    return first.index == last.index ? "\(start)" : "\(start)…\(LogPosition(index: last.index, term: last.term))"
}
