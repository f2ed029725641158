import Agents
import Raft
import Synchronization

/// What the steps of a test do: each is known by its name, notes that it runs, and waits if the test holds it.
final class Script: Sendable {
    enum End: Equatable, Sendable {
        case running
        case done
        case cancelled
    }

    /// One time that a step ran somewhere.
    struct Run: Equatable, Sendable {
        var step: String
        var node: NodeID
        var end: End
    }

    private struct State {
        var runs: [Run] = []
        var held: Set<String> = []
        var failing: [String: String] = [:]
        var stubborn: Set<String> = []
    }

    private let state = Mutex(State())

    /// Steps of these names wait from now on, once they have begun.
    func hold(_ names: String...) { state.withLock { $0.held.formUnion(names) } }
    func release(_ names: String...) { state.withLock { $0.held.subtract(names) } }
    /// The step's tool throws.
    func fail(_ name: String, _ message: String?) { state.withLock { $0.failing[name] = message } }

    /// The step does not hear that it is cancelled.
    func makeStubborn(_ name: String) { state.withLock { _ = $0.stubborn.insert(name) } }

    var runs: [Run] { state.withLock { $0.runs } }
    func runs(of step: String) -> [Run] { runs.filter { $0.step == step } }
    func isRunning(_ step: String) -> Bool { runs(of: step).contains { $0.end == .running } }

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    fileprivate func play(_ step: String, on node: NodeID) async throws {
        let place = state.withLock { state in
            state.runs.append(Run(step: step, node: node, end: .running))
            return state.runs.count - 1
        }
        do {
            while state.withLock({ $0.held.contains(step) }) {
                if state.withLock({ $0.stubborn.contains(step) }) {
                    await Task.detached { try? await Task.sleep(for: .milliseconds(5)) }.value
                } else {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            if let message = state.withLock({ $0.failing[step] }) { throw Failed(description: message) }
        } catch {
            state.withLock { $0.runs[place].end = error is CancellationError ? .cancelled : .done }
            throw error
        }
        state.withLock { $0.runs[place].end = .done }
    }

    /// The agent that plays the script on a node.
    func agent(on node: NodeID) -> AgentDeclaration {
        AgentDeclaration(
            id: "scripted", name: "Scripted", description: "does what the test says", taskTypes: ["scripted"],
            tools: [Play(script: self, node: node)], prompt: "", target: .unused,
            parameters: [
                ParameterDeclaration("name", .text(maximumBytes: 64 << 10), "of the step"),
                ParameterDeclaration("bytes", .wholeNumber(0...1_000_000), "of the report"),
            ], needsOneOf: ["name"])
    }

    private struct Play: Tool {
        let script: Script
        let node: NodeID
        let name: ToolName = "play"
        let summary = "plays"
        let inputSchema: JSONValue = ["type": "object"]

        func run(_ arguments: JSONValue, in context: ToolContext) async throws -> Evidence {
            guard case .object(let members) = arguments, let step = members["name"]?.stringValue else {
                throw Failed(description: "a step has a name")
            }
            try await script.play(step, on: node)
            return Evidence(
                tool: name, headline: "\(step) on \(node)", coverage: Coverage(examined: 1, seen: 1))
        }
    }
}
