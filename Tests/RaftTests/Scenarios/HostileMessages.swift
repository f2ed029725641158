import Testing

@testable import Raft

/// A peer may be wrong: a bug, a disk that forgot, a frame damaged past its checksum. Nothing it says ends the process.
@Suite("Hostile messages")
struct HostileMessages {
    /// What no correct member says to a leader of term 1 with two entries, or to its follower that has both committed.
    static let toLeader: [(String, Message.Body)] = [
        ("an acknowledgement of what was never sent", .appendAccepted(match: 99)),
        ("the answer to a round that has not begun", .heartbeatResponse(round: 99)),
        ("a second leader's entries", .appendEntries(.init(previous: .zero, entries: [], commit: 0))),
        ("a second leader's heartbeat", .heartbeat(commit: 0, round: 1)),
        ("a second leader's snapshot", .installSnapshot(.init(position: .at(9, 1), membership: .voters(3)))),
    ]

    @Test("a leader refuses and counts what contradicts what it knows", arguments: toLeader)
    func leaderRefuses(what: String, body: Message.Body) {
        var leader = Raft.node(1, of: 3)
        leader.winElection()
        let before = leader
        #expect(leader.hears(body, from: 2, term: 1).isEmpty)
        #expect(leader.refusedMessages == 1)
        #expect(leader.standing == before.standing && leader.commitIndex == before.commitIndex)
    }

    static let toFollower: [(String, NodeID, Message.Body)] = [
        ("another leader of the same term", 3, .heartbeat(commit: 0, round: 1)),
        (
            "an entry that takes back a committed one", 1,
            .appendEntries(.init(previous: .at(1, 1), entries: [.command(2, 2)], commit: 0))
        ),
        (
            "a committed entry of another term before the new ones", 1,
            .appendEntries(.init(previous: .at(2, 2), entries: [.command(3, 2)], commit: 0))
        ),
    ]

    @Test("a follower refuses and counts what contradicts what it knows", arguments: toFollower)
    func followerRefuses(what: String, sender: NodeID, body: Message.Body) {
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1, 1])
        _ = node.hears(.heartbeat(commit: 2, round: 1), from: 1, term: 2)
        #expect(node.hears(body, from: sender, term: 2).isEmpty)
        #expect(node.refusedMessages == 1)
        #expect(node.lastLog == .at(2, 1) && node.commitIndex == 2 && node.leader == 1)
    }

    @Test("a follower answers a leader that counts on what it has lost, and takes nothing for committed that it lacks")
    func commitBeyondLog() {
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1, 1])
        _ = node.hears(.heartbeat(commit: 2, round: 1), from: 1, term: 2)
        let answer = node.hears(.heartbeat(commit: 99, round: 2), from: 1, term: 2)
        #expect(
            answer.messages(to: 1).map(\.body) == [.heartbeatResponse(round: 2)], "or the leader would never ask again")
        #expect(node.commitIndex == 2 && node.leader == 1)
    }

    @Test("a message to somebody else, or in the node's own name, is refused")
    func misdelivered() {
        var node = Raft.node(2, of: 3, term: 2)
        let wrong = [
            Message(from: 1, to: 3, term: 2, body: .timeoutNow), Message(from: 2, to: 2, term: 2, body: .staleTerm),
        ]
        for message in wrong { #expect(node.step(.message(message), at: .zero).isEmpty) }
        #expect(node.refusedMessages == 2)
    }

    /// States that real clusters reach, and what was said in them.
    private func reached(seed: UInt64) throws -> (nodes: [Raft], messages: [Message]) {
        var options = SimulationOptions.swarm(seed: seed)
        options.nodes = max(3, options.nodes)
        options.safetyMilliseconds = 600
        var world = World(options)
        world.sent = []
        world.isDisturbed = true
        world.events.schedule(.faultDraw, at: 40)
        world.events.schedule(.proposal, at: 10)
        try world.run(for: options.safetyMilliseconds)
        return (world.nodes.compactMap(\.raft), (world.sent ?? []).map(\.message))
    }

    @Test("no flipped bit of a real message traps a node in a real state, nor what follows", arguments: Seeds.list(12))
    func flippedBits(seed: UInt64) throws {
        let (nodes, messages) = try reached(seed: seed)
        var random = SeededRandom(seed: seed, stream: 9)
        var decoded = 0
        for _ in 0..<1500 {
            guard !messages.isEmpty, var node = nodes.isEmpty ? nil : random.pick(nodes) else { continue }
            // Some flips hit the addressee; the message is for this node first of all.
            var message = random.pick(messages)
            message.to = node.id
            if message.from == node.id { message.from = NodeID(node.id.rawValue % 3 + 1) }
            if random.chance(500) { message.term = node.hardState.term }
            var bytes = message.encoded()
            for _ in 0..<random.number(1...2) {
                let bit = random.number(8...(bytes.count * 8 - 1))
                bytes[bit / 8] ^= 1 << (bit % 8)
            }
            guard let hostile = try? Message(decoding: bytes[...]) else { continue }
            decoded += 1
            endure(hostile, on: &node, then: messages, &random)
        }
        #expect(decoded > 100, "\(Seeds.replay(seed, "HostileMessages"))")
    }

    /// The message, and then an ordinary life: ticks, real messages, proposals.
    private func endure(_ hostile: Message, on node: inout Raft, then messages: [Message], _ random: inout SeededRandom)
    {
        _ = node.stepDurably(.message(hostile), at: node.now)
        for _ in 0..<6 {
            var message = random.pick(messages)
            message.to = node.id
            if message.from == node.id { message.from = NodeID(node.id.rawValue % 3 + 1) }
            if random.chance(500) { message.term = node.hardState.term }
            guard (try? Message(decoding: message.encoded()[...])) != nil else { continue }
            _ = node.stepDurably(.message(message), at: node.now)
        }
        _ = node.stepDurably(.propose([Proposal(token: 1, data: [1])]), at: node.now)
        _ = node.stepDurably(.tick, at: max(node.now, node.nextDeadline))
    }
}
