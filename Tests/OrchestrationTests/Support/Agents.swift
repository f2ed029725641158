import Agents
import ClusterState
import Foundation
import Glibc
import Orchestration
import Raft
import SwiftProtobuf
import Testing

/// Answers nothing of use, for money.
struct PaidReasoner: Reasoner {
    static let cost: UInt64 = 700

    func reason(_ request: ReasoningRequest) async -> ReasoningOutcome {
        ReasoningOutcome(
            answer: nil, attempts: [], tokens: TokenCount(input: 10, output: 5), costMicroUSD: Int64(Self.cost))
    }
}

/// Child processes of this one, by what stands in their command lines.
enum ChildProcesses {
    static func naming(_ text: String) -> [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(pid_t.init).filter { pid in
            guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let fields = status.split(separator: ")").last?.split(separator: " "), fields.count > 1,
                fields[1] == "\(getpid())", fields[0] != "Z",
                let command = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
            else { return false }
            return command.contains(text)
        }
    }
}

extension Nodes {
    private var head: String { workspace.appendingPathComponent("endless/.git/HEAD").path }

    /// A work tree whose HEAD is a pipe that nobody writes to: git waits for it for ever.
    /// - Returns: its path, as git's command line has it.
    func makeEndlessHistory() throws -> String {
        let tree = workspace.appendingPathComponent("endless")
        for part in ["objects", "refs"] {
            try FileManager.default.createDirectory(
                at: tree.appendingPathComponent(".git/\(part)"), withIntermediateDirectories: true)
        }
        try Data("x = 1\n".utf8).write(to: tree.appendingPathComponent("main.py"))
        guard mkfifo(head, 0o644) == 0 else { throw Script.Failed(description: "mkfifo: \(errno)") }
        return "/endless/.git"
    }

    func mendHistory() {
        rename(head, head + ".pipe")
        try? Data("ref: refs/heads/main\n".utf8).write(to: URL(fileURLWithPath: head))
    }

    /// Lets go of who still waits at the pipe.
    func wakeHistory() {
        let pipe = open(head + ".pipe", O_WRONLY | O_NONBLOCK)
        if pipe >= 0 { close(pipe) }
    }

    /// An analysis that the given node gets: fillers take the slots of those that would come before it. They wait for
    /// "filler" to be released.
    func submitAnalysis(of target: String, on member: Member) async throws -> TaskKey {
        let cluster = members[0].cluster
        script.hold("filler")
        for _ in members {
            let filler = try await submit([("filler", [])])
            guard cluster.state.task(filler)?.assignment?.node == member.id else { continue }
            _ = try await cluster.propose(.cancelTask(.with { $0.taskID = filler.id }))
            try await end(of: filler)
            let key = try await submit(.analysis(of: target))
            guard cluster.state.task(key)?.assignment?.node == member.id else { break }
            return key
        }
        throw Script.Failed(description: "the node never has the most free slots")
    }
}
