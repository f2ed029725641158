/// Who takes part, and how. It is an entry in the log and effective as soon as it is appended (Raft §6).
///
/// In a joint configuration `outgoing` holds the voters of the old one, and a decision needs a majority of both.
public struct Membership: Hashable, Sendable {
    public private(set) var voters: [NodeID]
    /// Voters of the configuration being left; empty outside a joint configuration.
    public private(set) var outgoing: [NodeID]
    /// Members that catch up in order to become voters.
    public private(set) var joining: [NodeID]
    /// Members that hold the state and serve, and never become voters.
    public private(set) var gateways: [NodeID]
    public static let empty = Membership(voters: [])

    public init(voters: [NodeID], outgoing: [NodeID] = [], joining: [NodeID] = [], gateways: [NodeID] = []) {
        self.voters = Self.normalised(voters)
        self.outgoing = Self.normalised(outgoing)
        self.joining = Self.normalised(joining)
        self.gateways = Self.normalised(gateways)
        precondition(self.joining.allSatisfy { !self.voters.contains($0) }, "a voter has joined already")
        precondition(
            self.gateways.allSatisfy { !self.voters.contains($0) && !self.joining.contains($0) },
            "a member has one role")
    }

    public var isJoint: Bool { !outgoing.isEmpty }
    /// Every member of either configuration, ascending.
    public var members: [NodeID] { Self.normalised(voters + outgoing + joining + gateways) }

    /// Whether `node` may campaign and be counted.
    public func isVoter(_ node: NodeID) -> Bool { voters.contains(node) || outgoing.contains(node) }

    /// Whether the nodes for which `agrees` holds are a majority of every configuration in force.
    public func isQuorum(_ agrees: (NodeID) -> Bool) -> Bool {
        Self.isMajority(of: voters, agrees) && (outgoing.isEmpty || Self.isMajority(of: outgoing, agrees))
    }

    /// The greatest value that a majority of every configuration in force has reached.
    public func quorumValue<Value: Comparable>(_ reached: (NodeID) -> Value) -> Value? {
        guard let current = Self.majorityValue(of: voters, reached) else { return nil }
        guard let old = Self.majorityValue(of: outgoing, reached) else { return current }
        return min(current, old)
    }

    private static func isMajority(of nodes: [NodeID], _ agrees: (NodeID) -> Bool) -> Bool {
        var count = 0
        for node in nodes where agrees(node) { count += 1 }
        return count > nodes.count / 2
    }

    /// Of n values sorted ascending, the one at (n - 1) / 2 is reached by a majority, and no greater one is.
    private static func majorityValue<Value: Comparable>(of nodes: [NodeID], _ reached: (NodeID) -> Value) -> Value? {
        guard !nodes.isEmpty else { return nil }
        #if AMAS_MUTANTS
            let values = Mutant.active == .quorumOfUnsortedValues ? nodes.map(reached) : nodes.map(reached).sorted()
        #else
            let values = nodes.map(reached).sorted()
        #endif
        return values[(values.count - 1) / 2]
    }

    private static func normalised(_ nodes: [NodeID]) -> [NodeID] {
        var result: [NodeID] = []
        for node in nodes.sorted() where result.last != node { result.append(node) }
        return result
    }
}

extension Membership {
    public static let formatVersion: UInt8 = 1
    /// More members than any deployment has; a count beyond it is damage.
    static let maximumMembersPerRole = 1024

    public enum DecodingError: Error, Equatable, Sendable {
        case truncated
        case unknownFormatVersion(UInt8)
        case malformed
    }

    /// The bytes of a configuration entry: version, then four lists, each a count (UInt16) and ids (UInt64).
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = [Self.formatVersion]
        for list in [voters, outgoing, joining, gateways] {
            precondition(list.count <= Self.maximumMembersPerRole, "the limit is checked where members are added")
            bytes.appendLittleEndian(UInt16(list.count))
            for node in list { bytes.appendLittleEndian(node.rawValue) }
        }
        return bytes
    }

    public init(decoding bytes: ArraySlice<UInt8>) throws(DecodingError) {
        guard let version = bytes.first else { throw .truncated }
        guard version == Self.formatVersion else { throw .unknownFormatVersion(version) }
        var offset = bytes.startIndex + 1
        var lists: [[NodeID]] = []
        for _ in 0..<4 {
            guard offset + 2 <= bytes.endIndex else { throw .truncated }
            let count = Int(bytes.littleEndian(at: offset) as UInt16)
            offset += 2
            guard count <= Self.maximumMembersPerRole else { throw .malformed }
            guard offset + 8 * count <= bytes.endIndex else { throw .truncated }
            lists.append((0..<count).map { NodeID(bytes.littleEndian(at: offset + 8 * $0)) })
            offset += 8 * count
        }
        let roles = lists[0] + lists[2] + lists[3]
        guard offset == bytes.endIndex, Set(roles).count == roles.count else { throw .malformed }
        guard !roles.contains(NodeID(0)), !lists[1].contains(NodeID(0)) else { throw .malformed }
        self.init(voters: lists[0], outgoing: lists[1], joining: lists[2], gateways: lists[3])
    }
}
