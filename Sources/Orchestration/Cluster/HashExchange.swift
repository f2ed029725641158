import ClusterState
import Raft
import Synchronization

/// Whether the members agree about the state (`design/state.md` 9). Every node tells the others the hash of its state at its last
/// applied index and at the last round index before it; the chain of hashes makes one agreement cover everything before.
struct HashExchange: Sendable {
    /// Reports at multiples of this are comparable between nodes that never stop at the same place.
    static let roundIndices: UInt64 = 256

    static func round(before index: LogIndex) -> LogIndex {
        LogIndex(index.rawValue / roundIndices * roundIndices)
    }

    struct Report: Equatable, Sendable {
        var machineVersion: UInt32
        var index: LogIndex
        var hash: StateHash
    }

    enum Verdict: Equatable, Sendable {
        case agreed
        /// A quorum has the other value at this index: this node is the one that is wrong.
        case contradicted(LogIndex)
        /// No value has a majority any more: nobody can say who is right.
        case undecidable(LogIndex)
    }

    private var latest: [NodeID: [Report]] = [:]
    /// The highest index at which the member was seen to agree with this node.
    private var agreed: [NodeID: LogIndex] = [:]

    /// Takes a report; compares it with this node's own hash at that index, if it is known.
    mutating func receive(_ report: Report, from node: NodeID, own: (LogIndex) -> StateHash?, voters: Membership)
        -> Verdict
    {
        var reports = latest[node] ?? []
        reports.append(report)
        if reports.count > 8 { reports.removeFirst(reports.count - 8) }
        latest[node] = reports
        guard let mine = own(report.index) else { return .agreed }
        if mine == report.hash {
            agreed[node] = max(agreed[node] ?? .zero, report.index)
            return .agreed
        }
        return judge(report.index, own: mine, voters: voters)
    }

    private func judge(_ index: LogIndex, own: StateHash, voters: Membership) -> Verdict {
        func value(of node: NodeID) -> StateHash? { latest[node]?.last { $0.index == index }?.hash }
        let others = voters.members.compactMap(value)
        for candidate in others where candidate != own {
            if voters.isQuorum({ value(of: $0) == candidate }) { return .contradicted(index) }
        }
        // This node is a voter as well, or it is not counted.
        let known = others.count + 1
        let mine = others.count { $0 == own } + 1
        let best = others.map { one in others.count { $0 == one } }.max() ?? 0
        let missing = max(0, voters.voters.count - known)
        if max(mine, best) + missing <= voters.voters.count / 2 { return .undecidable(index) }
        return .agreed
    }

    /// The highest index whose hash a quorum, this node included, is known to share.
    func confirmed(own: NodeID, applied: LogIndex, voters: Membership) -> LogIndex {
        voters.quorumValue { $0 == own ? applied : agreed[$0] ?? .zero } ?? .zero
    }
}

extension HashExchange.Report {
    /// version (4), index (8), hash (32)
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(machineVersion)
        bytes.appendLittleEndian(index.rawValue)
        bytes.append(contentsOf: hash.bytes)
        return bytes
    }

    init?(decoding bytes: [UInt8]) {
        guard bytes.count == 44, let hash = StateHash(bytes: bytes[12...]) else { return nil }
        machineVersion = bytes[...].littleEndian(at: 0)
        index = LogIndex(bytes[...].littleEndian(at: 4))
        self.hash = hash
    }
}
