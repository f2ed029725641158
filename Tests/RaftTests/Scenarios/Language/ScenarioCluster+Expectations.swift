@testable import Raft

// What must be so, whatever the output says.
//
// | expectation | |
// |---|---|
// | `expect leader 2`, `expect leader none` | of those that are up, the one that leads in the greatest term |
// | `expect role 2 candidate`, `expect term 2 5`, `expect commit 2 5`, `expect durable 2 5`, `expect applied 2 5` | |
// | `expect last 2 5/3`, `expect log 2 1,1,2` | its last entry; the terms of its entries |
// | `expect membership 2 voters 1,2,3 outgoing 1,2` | in force at it |
// | `expect refused 2 1` | messages it refused so far |
// | `expect said TEXT`, `expect not said TEXT` | a line of the last output contains it |
// | `expect never TEXT` | no line so far does |
// | `expect at most 12 TEXT` | so many lines so far do |
extension ScenarioCluster {
    /// Nil if it holds.
    func expectationFailure(_ line: String) -> String? {
        let words = line.split(separator: " ").dropFirst().map { String($0) }
        guard words.count >= 2 else { return "expect what?" }
        let text = words.dropFirst().joined(separator: " ")
        switch words[0] {
        case "leader":
            let leaders = nodes.compactMap(\.raft).filter { $0.role == .leader }
            return differs(leaders.max { $0.hardState.term < $1.hardState.term }.map { "\($0.id)" } ?? "none", text)
        case "said": return output.contains { $0.contains(text) } ? nil : "it was not"
        case "not":
            let rest = words.dropFirst(2).joined(separator: " ")
            guard words[1] == "said" else { return "expect not said TEXT" }
            return output.contains { $0.contains(rest) } ? "it was" : nil
        case "never": return story.contains { $0.contains(text) } ? "it was" : nil
        case "at":
            guard words.count >= 4, words[1] == "most", let most = Int(words[2]) else { return "expect at most N TEXT" }
            let wanted = words.dropFirst(3).joined(separator: " ")
            let count = story.count { $0.contains(wanted) }
            return count <= most ? nil : "\(count) times"
        default: return nodeExpectationFailure(words)
        }
    }

    private func nodeExpectationFailure(_ words: [String]) -> String? {
        guard words.count >= 3, let id = UInt64(words[1]), let place = try? place(of: NodeID(id)),
            let raft = nodes[place].raft
        else { return "no such expectation, or no such node is up" }
        let wanted = words.dropFirst(2).joined(separator: " ")
        switch words[0] {
        case "role": return differs(raft.role.name, wanted)
        case "term": return differs("\(raft.hardState.term)", wanted)
        case "commit": return differs("\(raft.commitIndex)", wanted)
        case "durable": return differs("\(raft.durableIndex)", wanted)
        case "applied": return differs("\(raft.appliedIndex)", wanted)
        case "last": return differs("\(raft.lastLog)", wanted)
        case "log": return differs(terms(at: place), wanted)
        case "membership": return differs("\(raft.membership)", wanted)
        case "refused": return differs("\(raft.refusedMessages)", wanted)
        default: return "there is no such expectation"
        }
    }

    private func differs(_ actual: String, _ wanted: String) -> String? {
        actual == wanted ? nil : "it is \(actual)"
    }
}
