@testable import Raft

// The commands. A link is `1->2`, `1->` or `->2`; a kind is the first word of a message; a list is `1,2,3`.
//
// | command | what happens |
// |---|---|
// | `settings in-flight=2 …` | limits of nodes that start afterwards |
// | `nodes 3` | voters 1…3 with empty logs |
// | `node 2 of=1,2,3 term=4 vote=1 log=1,1,2 joining=4` | one node as it starts; `of=` nobody: it knows no cluster |
// | `elect 1` | time passes, 1 campaigns, everybody answers |
// | `wait 100`, `tick 1`, `beat 1 3` | time passes; until 1 is due; three heartbeats of 1, each answered |
// | `deliver 1->2 append`, `drop …`, `repeat …`, `reverse …` | messages under way: arrive, are lost, arrive and stay, swap order |
// | `settle` | everything under way arrives, and what that causes |
// | `cut 1->2`, `isolate 1`, `heal` | messages are lost as they are sent |
// | `link-down 1 2`, `link-up 1 2` | 1 is told of its connection to 2 |
// | `hold 1`, `release 1 [n]` | writes wait; all, or the first n, become durable |
// | `hold-apply 1` | the state machine does not report progress |
// | `crash 1 [keeping n]`, `start 1`, `remove 1` | of the writes that wait the first n survive |
// | `pause 1`, `resume 1` | messages wait at its door |
// | `propose 1 3`, `read 1 7`, `transfer 1 2`, `change 1 join 4` | what clients and operators ask |
// | `snapshot 1 4 [keep n]` | a snapshot of what 1 applied up to 4 is durable, and the log keeps n entries before it |
// | `stream 1->2`, `stream-lost 1->2`, `stream-failed 1->2` | the bytes of a snapshot arrive; do not, unnoticed; do not |
// | `log 2`, `state` | for the reader |
extension ScenarioCluster {
    mutating func perform(_ line: String) throws(ScenarioError) {
        var words = line.split(separator: " ").map { String($0) }
        isQuiet = words.last == "quietly"
        if isQuiet { words.removeLast() }
        guard let name = words.first else { return }
        let rest = Array(words.dropFirst())
        if try performOnWorld(name, rest) { return }
        if try performOnMessages(name, rest) { return }
        let id = try node(rest, 0)
        if try performOnProcess(name, id, rest) { return }
        try performOnRaft(name, id, rest)
    }

    // MARK: World

    private mutating func performOnWorld(_ name: String, _ rest: [String]) throws(ScenarioError) -> Bool {
        switch name {
        case "settings": for word in rest { try set(word) }
        case "nodes":
            for id in 1...(try number(rest, 0)) { try addNode(id, ["of=\(Self.list(1...(try number(rest, 0))))"]) }
        case "node": try addNode(try number(rest, 0), Array(rest.dropFirst()))
        case "wait": now += try number(rest, 0)
        case "settle": try settle()
        case "heal": cuts = []
        case "state":
            for node in nodes {
                guard let raft = node.raft else {
                    output.append("\(node.id) down")
                    continue
                }
                output.append(
                    "\(node.id) \(raft.standing), last \(raft.lastLog), commit \(raft.commitIndex), \(raft.membership)")
            }
        default: return false
        }
        return true
    }

    private static func list(_ range: ClosedRange<UInt64>) -> String { range.map { "\($0)" }.joined(separator: ",") }

    private mutating func set(_ word: String) throws(ScenarioError) {
        let parts = word.split(separator: "=")
        guard parts.count == 2, let value = Int(parts[1]) else { throw ScenarioError("not a setting: \(word)") }
        switch parts[0] {
        case "in-flight": settings.maximumInFlightAppends = value
        case "append-bytes": settings.maximumAppendBytes = value
        case "apply-entries": settings.maximumApplyEntries = value
        case "reads": settings.maximumPendingReads = value
        case "proposal-bytes": settings.maximumProposalBytes = value
        case "uncommitted-bytes": settings.maximumUncommittedBytes = value
        case "caught-up": settings.caughtUpEntries = UInt64(value)
        default: throw ScenarioError("there is no setting \(parts[0])")
        }
    }

    private mutating func addNode(_ number: UInt64, _ words: [String]) throws(ScenarioError) {
        var membership = [String: [NodeID]]()
        var state = HardState.initial
        var terms: [Term] = []
        for word in words {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2 else { throw ScenarioError("not a property: \(word)") }
            let values = parts[1].split(separator: ",").compactMap { UInt64($0) }
            switch parts[0] {
            case "of", "outgoing", "joining", "gateways": membership[parts[0]] = values.map { NodeID($0) }
            case "term": state.term = Term(values.first ?? 0)
            case "vote": state.votedFor = values.first.map { NodeID($0) }
            case "log": terms = values.map { Term($0) }
            default: throw ScenarioError("there is no property \(parts[0])")
            }
        }
        state.term = max(state.term, terms.last ?? .zero)
        let initial = Membership(
            voters: membership["of"] ?? [], outgoing: membership["outgoing"] ?? [],
            joining: membership["joining"] ?? [], gateways: membership["gateways"] ?? [])
        var disk = SimulatedDisk(membership: initial)
        let entries = terms.enumerated().map { Entry.command(LogIndex(UInt64($0.offset + 1)), $0.element) }
        disk.enqueue(.write(Write(token: .none, truncateFrom: nil, hardState: state, entries: entries)))
        _ = disk.completeFirst()
        let id = NodeID(number)
        nodes.removeAll { $0.id == id }
        add(Node(id: id, disk: disk))
        start(at: try place(of: id))
    }

    // MARK: Messages

    private mutating func performOnMessages(_ name: String, _ rest: [String]) throws(ScenarioError) -> Bool {
        switch name {
        case "deliver", "drop", "repeat", "reverse":
            let chosen = underWay.filter { Self.matches($0, rest) }
            guard !chosen.isEmpty else { throw ScenarioError("no such message is under way") }
            if name != "repeat" { underWay.removeAll { Self.matches($0, rest) } }
            if name == "reverse" {
                underWay = chosen.reversed() + underWay
            } else if name != "drop" {
                try deliver(chosen)
            }
        case "cut":
            let (from, to) = try link(rest)
            cuts.append((from, to))
        case "isolate":
            let id = try node(rest, 0)
            for peer in nodes where peer.id != id { cuts += [(id, peer.id), (peer.id, id)] }
        case "stream", "stream-lost", "stream-failed":
            let (from, to) = try link(rest)
            guard let place = streams.firstIndex(where: { $0.from == from && $0.to == to }) else {
                throw ScenarioError("no snapshot is under way")
            }
            let descriptor = streams.remove(at: place).descriptor
            let term = nodes[try self.place(of: from)].raft?.hardState.term ?? .zero
            try step(from, .snapshotSent(to: to, succeeded: name != "stream-failed"))
            guard name == "stream" else { return true }
            try deliver([Message(from: from, to: to, term: term, body: .installSnapshot(descriptor))])
        default: return false
        }
        return true
    }

    /// A filter of a link and words that the message's text begins with.
    private static func matches(_ message: Message, _ filter: [String]) -> Bool {
        var words = filter
        if let link = words.first, link.contains("->") {
            words.removeFirst()
            let start = link.hasPrefix("->") || link.hasPrefix("\(message.from)->")
            guard start, link.hasSuffix("->") || link.hasSuffix("->\(message.to)") else { return false }
        }
        return "\(message)".hasPrefix(words.joined(separator: " "))
    }

    // MARK: Processes

    private mutating func performOnProcess(
        _ name: String, _ id: NodeID, _ rest: [String]
    ) throws(ScenarioError) -> Bool {
        let place = try place(of: id)
        switch name {
        case "hold": nodes[place].isHeld = true
        case "release":
            let count = rest.count > 1 ? Int(try number(rest, 1)) : nodes[place].disk.queue.count
            for _ in 0..<min(count, nodes[place].disk.queue.count) {
                if let input = completeFirst(at: place) { try step(id, input) }
            }
            if rest.count == 1 { nodes[place].isHeld = false }
        case "hold-apply": nodes[place].appliesLate = true
        case "crash":
            nodes[place].disk.crash(keeping: rest.count > 2 ? Int(try number(rest, 2)) : 0)
            nodes[place].raft = nil
            nodes[place].isHeld = false
            underWay.removeAll { $0.to == id }
        case "start": start(at: place)
        case "remove": nodes.remove(at: place)
        case "pause": nodes[place].isPaused = true
        case "resume": nodes[place].isPaused = false
        case "log": output.append("\(id): \(terms(at: place))")
        default: return false
        }
        return true
    }

    func terms(at place: Int) -> String {
        nodes[place].raft.map { $0.logTerms.map { "\($0)" }.joined(separator: ",") } ?? "down"
    }

    // MARK: Raft

    private mutating func performOnRaft(_ name: String, _ id: NodeID, _ rest: [String]) throws(ScenarioError) {
        guard let raft = nodes[try place(of: id)].raft else { throw ScenarioError("node \(id) is down") }
        switch name {
        case "tick":
            now = max(now, raft.nextDeadline.rawValue)
            try step(id, .tick)
        case "elect":
            now += 2 * (settings.electionMilliseconds + settings.electionJitterMilliseconds)
            isQuiet = true
            try step(id, .tick)
            try settle()
        case "beat":
            for _ in 0..<(rest.count > 1 ? try number(rest, 1) : 1) {
                now += settings.heartbeatMilliseconds
                try step(id, .tick)
                try settle()
            }
        case "link-down": try step(id, .linkDown(try node(rest, 1)))
        case "link-up": try step(id, .linkUp(try node(rest, 1)))
        case "propose":
            let bytes = rest.count > 2 ? Int(try number(rest, 2)) : 4
            let data = [UInt8](repeating: 1, count: bytes)[...]
            let count = rest.count > 1 ? try number(rest, 1) : 1
            try step(id, .propose((1...count).map { Proposal(token: $0, data: data) }))
        case "read": try step(id, .read(ReadToken(rawValue: try number(rest, 1))))
        case "transfer": try step(id, .transferLeadership(to: rest.count > 1 ? try node(rest, 1) : nil))
        case "applied": try step(id, .applied(LogIndex(try number(rest, 1))))
        case "change": try step(id, .changeMembership(1, try change(Array(rest.dropFirst()))))
        case "snapshot":
            let index = LogIndex(try number(rest, 1))
            guard let term = raft.term(at: index) else { throw ScenarioError("no entry \(index)") }
            let kept = rest.count > 3 ? try number(rest, 3) : 0
            let descriptor = SnapshotDescriptor(
                position: LogPosition(index: index, term: term), membership: raft.membership(at: index))
            nodes[try place(of: id)].disk.save(descriptor)
            let through = LogIndex(index.rawValue - min(kept, index.rawValue))
            try step(id, .snapshotSaved(descriptor, compactThrough: through))
        default: throw ScenarioError("there is no such command")
        }
    }

    private func change(_ words: [String]) throws(ScenarioError) -> MembershipChange {
        let nodes = (words.count > 1 ? words[1] : "").split(separator: ",").compactMap { UInt64($0) }.map { NodeID($0) }
        guard let first = nodes.first else { throw ScenarioError("a change of whom?") }
        switch words[0] {
        case "join": return .join(first)
        case "gateway": return .addGateway(first)
        case "promote": return .promote(nodes)
        case "remove": return .remove(nodes)
        case "replace":
            guard nodes.count == 2 else { throw ScenarioError("replace old,new") }
            return .replace(nodes[0], with: nodes[1])
        case "rejoin": return .rejoin(first)
        default: throw ScenarioError("there is no change \(words[0])")
        }
    }

    // MARK: Words

    private func number(_ words: [String], _ place: Int) throws(ScenarioError) -> UInt64 {
        guard place < words.count, let value = UInt64(words[place]) else { throw ScenarioError("a number is missing") }
        return value
    }

    private func node(_ words: [String], _ place: Int) throws(ScenarioError) -> NodeID {
        NodeID(try number(words, place))
    }

    private func link(_ words: [String]) throws(ScenarioError) -> (NodeID, NodeID) {
        let ends = (words.first ?? "").replacing("->", with: " ").split(separator: " ").compactMap { UInt64($0) }
        guard ends.count == 2 else { throw ScenarioError("a link is missing") }
        return (NodeID(ends[0]), NodeID(ends[1]))
    }
}
