import Agents
import Egress
import FoundationEssentials

/// Follows a task to its end: its events over a WebSocket, on the next endpoint when one fails, and then the task itself.
struct TaskFollowing {
    let client: ClusterClient
    let taskID: String
    /// Shows events on the standard output, one line of JSON each, instead of notes on the standard error.
    var printsEvents = false

    /// Between two connections: a server that takes and drops them must not keep us busy.
    private static let pause = Duration.milliseconds(100)

    /// - Returns: the task as it ended.
    /// - Throws: `CommandFailure` with code 5 if it takes longer than the client's time-out.
    func run() async throws(CommandFailure) -> JSONValue {
        // Names what is wrong with the id or the key before anything else happens, and knows a task that has ended long ago.
        let first = try await client.request(.get, path).body
        if Self.hasEnded(first) { return first }
        let isInTime = await Patience.wait(client.timeout) { await follow() }
        Terminal.progress("")
        let last = try await client.request(.get, path).body
        guard isInTime || Self.hasEnded(last) else {
            let status = last["status"]?.stringValue ?? "running"
            throw CommandFailure(
                code: .timeout, message: "the task is still \(status); follow it with: amas task watch \(taskID)")
        }
        return last
    }

    private var path: String { "/api/v1/tasks/\(taskID.percentEncoded)" }

    private static func hasEnded(_ task: JSONValue) -> Bool {
        ["completed", "failed", "cancelled"].contains(task["status"]?.stringValue ?? "")
    }

    /// Returns when the task has ended, or when nobody waits any more.
    private func follow() async {
        var watch = TaskWatch(taskID: taskID)
        var attempt = 0
        while !Task.isCancelled {
            let socket = await client.openSocket("/api/v1/ws", attempt: attempt)
            attempt += 1
            let (inputs, continuation) = AsyncStream<TaskWatch.Input>.makeStream()
            let feeds = Self.feed(continuation, from: socket)
            defer {
                for feed in feeds { feed.cancel() }
                socket?.close()
            }
            if await self.consume(inputs, &watch, socket) { return }
            try? await Task.sleep(for: Self.pause)
        }
    }

    /// Without a socket one second passes, so that the task is read meanwhile.
    private static func feed(
        _ inputs: AsyncStream<TaskWatch.Input>.Continuation, from socket: ClientSocket?
    ) -> [Task<Void, Never>] {
        let clock = Task {
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                inputs.yield(.tick)
                if socket == nil { inputs.yield(.disconnected) }
            }
        }
        guard let socket else { return [clock] }
        inputs.yield(.connected)
        let reader = Task {
            for await text in socket.texts {
                if let message = try? AgentJSON.decode(JSONValue.self, from: text) { inputs.yield(.message(message)) }
            }
            inputs.yield(.disconnected)
        }
        return [clock, reader]
    }

    /// - Returns: true when the task has ended, false when another connection is needed.
    private func consume(
        _ inputs: AsyncStream<TaskWatch.Input>, _ watch: inout TaskWatch, _ socket: ClientSocket?
    ) async -> Bool {
        for await input in inputs {
            var pending = watch.step(input)
            while !pending.isEmpty {
                switch pending.removeFirst() {
                case .send(let message): socket?.send((try? AgentJSON.encode(message)) ?? [])
                case .show(let event): show(event)
                case .progress(let event):
                    Terminal.progress(
                        "\(TaskPrinting.plain(event["data"]?["progress"])) % \(TaskPrinting.plain(event["data"]?["current_step"]))"
                    )
                case .gap: Terminal.error("some events are too old to be shown")
                case .readTask: pending += watch.step(.task(try? await client.request(.get, path).body))
                case .disconnect: return false
                case .ended: return true
                }
            }
            if input == .disconnected { return false }
        }
        return false
    }

    private func show(_ event: JSONValue) {
        Terminal.progress("")
        if printsEvents { return TaskPrinting.printJSON(event) }
        let words = [
            event["occurred_at"], event["event"], event["data"]?["step"], event["data"]?["agent"],
            event["data"]?["node"],
        ].map { TaskPrinting.plain($0) }
        Terminal.error(words.filter { !$0.isEmpty }.joined(separator: "  "))
    }
}
