import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

/// Whom a node that starts believes, by what its log says.
@Suite("Registered folders")
struct RegisteredFoldersTests {
    private let lost = Incarnation(71)
    private let new = Incarnation(72)
    private let node = NodeID(3)

    private func folder(_ contents: [Content]) throws -> Incarnation? {
        var entries: [Entry] = []
        for content in contents {
            let index = LogIndex(UInt64(entries.count + 1))
            let data: [UInt8]
            var kind = Entry.Kind.command
            switch content {
            case .members(let voters, let joining):
                kind = .configuration
                data = Membership(voters: voters.map { NodeID($0) }, joining: joining.map { NodeID($0) }).encoded()
            case .joint(let voters, let outgoing, let joining):
                kind = .configuration
                data = Membership(
                    voters: voters.map { NodeID($0) }, outgoing: outgoing.map { NodeID($0) },
                    joining: joining.map { NodeID($0) }
                ).encoded()
            case .comes(let folder):
                data = try encoded(
                    .nodeAvailable(.with { ($0.nodeID, $0.incarnation) = (node.rawValue, folder.rawValue) }), nil)
            case .replaced:
                data = try encoded(
                    .memberReincarnated(
                        .with {
                            $0.nodeID = node.rawValue
                            ($0.oldIncarnation, $0.newIncarnation) = (lost.rawValue, new.rawValue)
                        }), Envelope.Session(node: NodeID(1), boot: BootID(1)))
            }
            entries.append(Entry(index: index, term: Term(1), kind: kind, data: data[...]))
        }
        return RegisteredFolders(ClusterState(), entries).folder(of: node, ClusterState())
    }

    private enum Content {
        case members([UInt64], joining: [UInt64])
        case joint([UInt64], outgoing: [UInt64], joining: [UInt64])
        case comes(Incarnation)
        case replaced
    }

    private func encoded(_ body: Command.OneOf_Body, _ session: Envelope.Session?) throws -> [UInt8] {
        try Envelope(
            command: Command(body), session: session, sequence: session == nil ? 0 : 1, floor: session == nil ? 0 : 1,
            tenant: ""
        ).encoded()
    }

    @Test("the first folder counts, whatever comes later")
    func first() throws {
        #expect(try folder([.comes(lost), .comes(new)]) == lost)
        #expect(try folder([.comes(lost), .replaced, .comes(new)]) == lost)
    }

    @Test("a node comes back with another folder when a later configuration proves that its vote was gone")
    func replaced() throws {
        let rejoins: [Content] = [
            .members([1, 2, 3], joining: []), .comes(lost), .replaced,
            .joint([1, 2], outgoing: [1, 2, 3], joining: [3]), .members([1, 2], joining: [3]), .comes(new),
        ]
        for count in 3...6 { #expect(try folder(Array(rejoins.prefix(count))) == lost, "nothing is proved yet") }
        #expect(try folder(rejoins + [.joint([1, 2, 3], outgoing: [1, 2], joining: [])]) == new)
    }

    @Test("a node that lags believes one that the cluster has recognized further on than it has applied")
    func laggingBehindTheOther() throws {
        var cluster = try Cluster(nodes: 0)
        try cluster.join(3, incarnation: lost.rawValue)
        let state = cluster.state
        let folders = RegisteredFolders(state, [])
        func verdict(_ folder: Incarnation, recognizedAt: LogIndex) -> FolderVerdict {
            folders.verdict(on: node, with: folder, recognizedAt: recognizedAt, state, isConfigured: true)
        }
        #expect(verdict(lost, recognizedAt: .zero) == .accepted)
        #expect(verdict(new, recognizedAt: .zero) == .otherFolder(lost), "nobody has taken it in")
        #expect(verdict(new, recognizedAt: state.index) == .otherFolder(lost), "this node knows as much, and otherwise")
        #expect(verdict(new, recognizedAt: state.index.next) == .accepted)
        #expect(state.recognizes(node, by: lost) == state.index && state.recognizes(node, by: new) == .zero)
    }

    @Test("one that has no vote yet keeps its folder while others come")
    func joinsWithOthers() throws {
        let joins: [Content] = [
            .members([1], joining: []), .members([1], joining: [3]), .comes(lost), .members([1], joining: [2, 3]),
            .joint([1, 2, 3], outgoing: [1], joining: []), .members([1, 2, 3], joining: []), .comes(new),
        ]
        for count in 3...joins.count { #expect(try folder(Array(joins.prefix(count))) == lost) }
    }

    @Test("one that loses its disk before it votes is known by the next folder when it votes")
    func losesFolderBeforeItsVote() throws {
        let joins: [Content] = [
            .members([1, 2], joining: [3]), .comes(lost), .replaced, .comes(new),
            .joint([1, 2, 3], outgoing: [1, 2], joining: []), .members([1, 2, 3], joining: []),
        ]
        #expect(try folder(joins) == new)
    }

    @Test("one that was removed and added again is another; one that joins keeps its folder when it gets its vote")
    func addedAgain() throws {
        let joins: [Content] = [
            .members([1, 2, 3], joining: []), .comes(lost), .joint([1, 2], outgoing: [1, 2, 3], joining: []),
            .members([1, 2], joining: []), .members([1, 2], joining: [3]), .comes(new),
            .joint([1, 2, 3], outgoing: [1, 2], joining: []), .members([1, 2, 3], joining: []),
        ]
        #expect(try folder(Array(joins.prefix(4))) == lost)
        for count in 6...joins.count { #expect(try folder(Array(joins.prefix(count))) == new) }
    }
}
