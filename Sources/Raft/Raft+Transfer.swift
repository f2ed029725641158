/// Leadership on its way to another voter.
struct Transfer: Hashable, Sendable {
    var target: NodeID
    /// Then the transfer is given up and the leader takes proposals again.
    var deadline: Tick
    var told: Bool
}

// Leadership transfer (thesis §3.10): stop taking proposals, bring the target up to date, tell it to campaign at once. It
// wins with the longest log and without waiting for anybody's timeout.
extension Raft {
    mutating func transferLeadership(to wanted: NodeID?) {
        guard role == .leader, let state = leadership else { return emit(.transferEnded(.noTarget)) }
        let candidates = state.peers.filter { log.membership.voters.contains($0.id) && $0.isInTouch(at: now, settings) }
        let target =
            wanted.map { name in candidates.first { $0.id == name } }
            ?? candidates.max { ($0.match, $1.id) < ($1.match, $0.id) }
        guard let target else { return emit(.transferEnded(.noTarget)) }
        if state.transfer?.target == target.id { return }
        leadership?.transfer = Transfer(
            target: target.id, deadline: now + settings.electionMilliseconds, told: false)
        guard let place = state.place(of: target.id) else { preconditionFailure("the target is a peer") }
        sendAppend(to: place, evenIfEmpty: false)
        continueTransfer(with: place)
    }

    mutating func continueTransfer(with place: Int) {
        guard let state = leadership, let transfer = state.transfer, !transfer.told else { return }
        guard state.peers[place].id == transfer.target, state.peers[place].match == log.last.index else { return }
        leadership?.transfer?.told = true
        send(.timeoutNow, to: transfer.target)
        // Nobody will tell a leader that has left the cluster that it is deposed.
        if !log.membership.isVoter(id) {
            mark(.leaverHandedOver)
            endTransfer(.completed(transfer.target))
            becomeFollower(term: hardState.term, leader: nil)
        }
    }

    mutating func endTransfer(_ outcome: TransferOutcome) {
        leadership?.transfer = nil
        emit(.transferEnded(outcome))
    }

    mutating func receiveTimeoutNow(from sender: NodeID) {
        guard role == .follower, leader == sender, canCampaign else { return }
        campaign(transfer: true)
    }
}

extension Progress {
    /// Heard of recently enough to be handed the leadership.
    func isInTouch(at now: Tick, _ settings: RaftSettings) -> Bool {
        now.since(lastContact) < settings.electionMilliseconds
    }
}
