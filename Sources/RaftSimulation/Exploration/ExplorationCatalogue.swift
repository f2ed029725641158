import Raft

/// All nodes and messages that a search has met, each under a number. The same node meets the same event in very many states of
/// the cluster; what comes of it is worked out once.
final class ExplorationCatalogue {
    struct Outcome {
        /// What the node has become.
        var node: Int
        var sent: [Int]
    }

    /// `ExploredNode.Event` with a number in place of the message.
    enum Event: Hashable {
        case hear(Int)
        case persist
        case timeOut
        case propose
        case crash(keeping: Int)
    }

    /// What a search asks of a node again and again.
    struct Standing {
        var id: Int
        var isLeader: Bool
        var term: Int
        /// The terms of the entries that it knows to be committed, from index 1 on.
        var committed: [Term]
        var writes: Int
    }

    private(set) var nodes: [ExploredNode] = []
    private(set) var standings: [Standing] = []
    private(set) var messages: [Message] = []
    private var numbersOfNodes: [ExploredNode: Int] = [:]
    private var numbersOfMessages: [Message: Int] = [:]
    private var outcomes: [[Event: Outcome]] = []

    func number(of node: ExploredNode) -> Int {
        if let known = numbersOfNodes[node] { return known }
        let number = nodes.count
        numbersOfNodes[node] = number
        nodes.append(node)
        let raft = node.raft
        var committed: [Term] = []
        var index = LogIndex(1)
        while index <= raft.commitIndex, let term = raft.term(at: index) {
            committed.append(term)
            index = index.next
        }
        standings.append(
            Standing(
                id: Int(raft.id.rawValue), isLeader: raft.standing.role == .leader,
                term: Int(raft.standing.term.rawValue), committed: committed, writes: node.writes.count))
        outcomes.append([:])
        return number
    }

    private func number(of message: Message) -> Int {
        if let known = numbersOfMessages[message] { return known }
        let number = messages.count
        numbersOfMessages[message] = number
        messages.append(message)
        return number
    }

    func outcome(of event: Event, at node: Int) -> Outcome {
        if let known = outcomes[node][event] { return known }
        var successor = nodes[node]
        let sent = successor.take(spelledOut(event)).map(number(of:))
        let outcome = Outcome(node: number(of: successor), sent: sent)
        outcomes[node][event] = outcome
        return outcome
    }

    func spelledOut(_ event: Event) -> ExploredNode.Event {
        switch event {
        case .hear(let message): .hear(messages[message])
        case .persist: .persist
        case .timeOut: .timeOut
        case .propose: .propose
        case .crash(let kept): .crash(keeping: kept)
        }
    }
}
