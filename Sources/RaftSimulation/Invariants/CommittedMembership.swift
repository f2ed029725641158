import Raft

/// Whoever has committed an entry has the configuration in force there that everybody has, whether its log or a snapshot brought
/// it (P16).
struct CommittedMembership {
    /// From which index on each was in force, ascending.
    private var history: [(index: LogIndex, membership: Membership)] = []
    private var count = LogIndex.zero
    private var checked: [LogIndex?]

    init(nodes: Int) {
        checked = Array(repeating: nil, count: nodes)
    }

    mutating func started(_ node: Node) { checked[node.place] = nil }

    mutating func check(_ process: Process) throws(Violation) {
        let raft = process.raft
        let commit = raft.commitIndex
        // Who joins begins with an empty log and knows of nobody.
        guard commit > .zero, checked[process.place] != commit else { return }
        checked[process.place] = commit
        if commit > count { record(raft) }
        let own = raft.membership(at: commit)
        guard let known = history.last(where: { $0.index <= commit }), known.membership != own else { return }
        throw Violation(
            "CommittedMembership",
            "at entry \(commit) node \(process.id) follows \(own), the others \(known.membership)")
    }

    private mutating func record(_ raft: Raft) {
        var index = max(count, raft.firstIndex.previous)
        while index <= raft.commitIndex {
            let membership = raft.membership(at: index)
            if membership != history.last?.membership { history.append((index, membership)) }
            index = index.next
        }
        count = raft.commitIndex
    }
}
