import ClusterState
import Raft
import RaftServer

/// The data folders with which nodes are members, by what a node's log says beyond the state that it starts from. A node votes
/// before it learns what is committed, and has to know for whom.
///
/// Of several folders of one node the first counts, until the log proves that the node had lost its vote in between. The proof
/// is a configuration behind one without the vote: a leader begins a change only when the configuration in force is
/// committed.
struct RegisteredFolders: Sendable {
    /// Up to here this knows more than the state.
    private(set) var last: LogIndex
    private var folders: [NodeID: Registration]
    /// The folders with which nodes shall come back, once they have no vote to lose.
    private var next: [NodeID: Incarnation] = [:]
    private var configuration: (index: LogIndex, membership: Membership)?

    private struct Registration {
        var index: LogIndex
        var folder: Incarnation
    }

    /// - Parameter entries: those of the log, which may reach back behind the state, and may not be committed yet.
    init(_ state: ClusterState, _ entries: [Entry]) {
        last = state.index
        folders = state.registeredFolders.mapValues { Registration(index: state.index, folder: $0) }
        for entry in entries {
            switch entry.kind {
            case .noop: break
            case .configuration:
                read(entry.index, try? Membership(decoding: entry.data), isNew: entry.index > state.index)
            case .command where entry.index > state.index:
                // Nodes register outside any session, and members are changed by later commands than those of every day: the
                // many others need no decoding.
                guard let envelope = try? Envelope(decoding: entry.data[...]),
                    envelope.session == nil || envelope.machineVersion >= Cluster.membersSince
                else { continue }
                read(entry.index, envelope)
            case .command: break
            }
        }
        last = max(last, entries.last?.index ?? last)
    }

    subscript(node: NodeID) -> Incarnation? { folders[node]?.folder }

    private mutating func read(_ index: LogIndex, _ envelope: Envelope) {
        guard let command = try? Command(decoding: envelope) else { return }
        switch command.body {
        case .nodeAvailable(let node) where envelope.session == nil:
            let id = NodeID(node.nodeID)
            guard folders[id] == nil else { return }
            folders[id] = Registration(index: index, folder: Incarnation(node.incarnation))
        case .memberReincarnated(let member):
            next[NodeID(member.nodeID)] = Incarnation(member.newIncarnation)
        default: break
        }
    }

    private mutating func read(_ index: LogIndex, _ membership: Membership?, isNew: Bool) {
        guard let membership else { return }
        defer { configuration = (index, membership) }
        guard isNew, let former = configuration, !former.membership.isJoint else { return }
        for (node, registration) in folders where !former.membership.isVoter(node) && registration.index < former.index
        {
            folders[node] = next.removeValue(forKey: node).map { Registration(index: former.index, folder: $0) }
        }
    }
}

extension ClusterState {
    /// Of every node that came at least once.
    fileprivate var registeredFolders: [NodeID: Incarnation] {
        var folders: [NodeID: Incarnation] = [:]
        for node in nodes { folders[node.id] = folder(of: node.id) }
        for member in members { folders[member.id] = folder(of: member.id) }
        return folders
    }

    /// The data folder with which the node takes part; nil if it did not come yet.
    func folder(of id: NodeID) -> Incarnation? {
        guard let member = member(id) else { return node(id).map { Incarnation($0.record.incarnation) } }
        return member.record.incarnation == 0 ? nil : Incarnation(member.record.incarnation)
    }
}
