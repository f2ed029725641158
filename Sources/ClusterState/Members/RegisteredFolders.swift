public import Raft

/// The data folders with which nodes are members, by what a node's log says beyond the state that it starts from. A node votes
/// before it learns what is committed, and has to know for whom.
///
/// Of several folders of one node the first counts, until the log proves that the node was removed, or had no vote to lose when
/// the next one was named. The proof is a configuration behind one without the member, or without its vote: a leader begins a
/// change only when the configuration in force is committed.
public struct RegisteredFolders: Sendable {
    /// Up to here this knows more than the state.
    private var last: LogIndex
    private var folders: [NodeID: Registration]
    /// The folders with which nodes shall come back, once they have no vote to lose.
    private var next: [NodeID: Registration] = [:]
    private var configuration: (index: LogIndex, membership: Membership)?

    private struct Registration {
        var index: LogIndex
        var folder: Incarnation
    }

    /// - Parameter entries: those of the log, which may reach back behind the state, and may not be committed yet.
    public init(_ state: ClusterState, _ entries: [Entry]) {
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
                    envelope.session == nil || envelope.machineVersion >= ClusterState.membersSince
                else { continue }
                read(entry.index, envelope)
            case .command: break
            }
        }
        last = max(last, entries.last?.index ?? last)
    }

    /// The data folder with which a node is a member: by the state, or by the part of the log that is not applied yet.
    func folder(of node: NodeID, _ state: ClusterState) -> Incarnation? {
        state.index < last ? folders[node]?.folder : state.folder(of: node)
    }

    /// The nodes that the cluster knows by their folders, as far as the log is applied; the one that asks only if by its own.
    public func recognized(asking own: NodeID, _ folder: Incarnation, _ state: ClusterState) -> Set<NodeID> {
        var nodes = Set(state.registeredFolders.keys)
        if self.folder(of: own, state) == folder { nodes.insert(own) } else { nodes.remove(own) }
        return nodes
    }

    /// Whether a node takes part with this folder. The first that the cluster saw of a node is that node; one with another has
    /// lost what it promised. A node of which nothing is known here may have been added after what is applied here, or, if
    /// that is nothing, be anyone.
    /// - Parameters:
    ///   - recognizedAt: up to which entry the other's state says that the cluster knows it by this folder. Where that is beyond
    ///     what is applied here it knows better: committed entries have told it, which this node has yet to get, perhaps from it.
    ///   - state: of the node that asks, at any entry.
    ///   - isConfigured: the node is named by the configuration of the one that asks.
    public func verdict(
        on node: NodeID, with folder: Incarnation, recognizedAt: LogIndex = .zero, _ state: ClusterState,
        isConfigured: Bool
    ) -> FolderVerdict {
        if recognizedAt > state.index, !contradicts(node, folder, recognizedAt, state) { return .accepted }
        if state.hasLeft(node, incarnation: folder.rawValue) { return .removed }
        guard let recorded = self.folder(of: node, state) else {
            let mayBeNew = state.index == .zero || !state.members.isEmpty
            return mayBeNew || isConfigured ? .accepted : .unknownNode
        }
        #if AMAS_MUTANTS
            if Mutant.active == .anyFolderIsAccepted { return .accepted }
        #endif
        return recorded == folder ? .accepted : .otherFolder(recorded)
    }

    /// Whether the log beyond the state knows of another folder, from further on.
    private func contradicts(
        _ node: NodeID, _ folder: Incarnation, _ recognizedAt: LogIndex, _ state: ClusterState
    ) -> Bool {
        guard state.index < last, let known = folders[node] else { return false }
        return known.folder != folder && known.index > recognizedAt
    }

    private mutating func read(_ index: LogIndex, _ envelope: Envelope) {
        guard let command = try? Command(decoding: envelope) else { return }
        switch command.body {
        case .nodeAvailable(let node) where envelope.session == nil:
            let id = NodeID(node.nodeID)
            guard folders[id] == nil else { return }
            folders[id] = Registration(index: index, folder: Incarnation(node.incarnation))
        case .memberReincarnated(let member):
            // One that names another is refused when it is applied.
            let id = NodeID(member.nodeID)
            guard folders[id]?.folder.rawValue == member.oldIncarnation else { return }
            next[id] = Registration(index: index, folder: Incarnation(member.newIncarnation))
        default: break
        }
    }

    private mutating func read(_ index: LogIndex, _ membership: Membership?, isNew: Bool) {
        guard let membership else { return }
        defer { configuration = (index, membership) }
        guard isNew, let former = configuration, !former.membership.isJoint else { return }
        for node in folders.keys.sorted() where !former.membership.isVoter(node) {
            guard let registration = folders[node] else { continue }
            if let folder = next.removeValue(forKey: node) {
                folders[node] = Registration(index: max(former.index, folder.index), folder: folder.folder)
            } else if registration.index < former.index, !former.membership.members.contains(node) {
                folders[node] = nil
            }
        }
    }
}

/// Whether a node takes part with the data folder that it has.
public enum FolderVerdict: Equatable, Sendable {
    case accepted
    case unknownNode
    /// It was a member with this folder, and is none any more.
    case removed
    /// It is a member with another one, the recorded one.
    case otherFolder(Incarnation)
}

extension ClusterState {
    /// Of every node that came at least once.
    fileprivate var registeredFolders: [NodeID: Incarnation] {
        var folders: [NodeID: Incarnation] = [:]
        for node in nodes { folders[node.id] = folder(of: node.id) }
        for member in members { folders[member.id] = folder(of: member.id) }
        return folders
    }

    /// Up to which entry this says that the cluster knows the node by the folder; zero if it does not say so.
    public func recognizes(_ node: NodeID, by folder: Incarnation) -> LogIndex {
        self.folder(of: node) == folder ? index : .zero
    }

    /// The data folder with which the node takes part; nil if it did not come yet.
    public func folder(of id: NodeID) -> Incarnation? {
        guard let member = member(id) else { return node(id).map { Incarnation($0.record.incarnation) } }
        return member.record.incarnation == 0 ? nil : Incarnation(member.record.incarnation)
    }
}
