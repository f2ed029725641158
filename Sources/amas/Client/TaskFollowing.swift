import Agents
import Egress
import FoundationEssentials

/// Follows a task to its end, with its progress on the standard error.
enum TaskFollowing {
    private static let pause = Duration.milliseconds(400)

    /// Prints the task once it has ended. Exit code 1 if it failed or was cancelled, 5 if it took longer than the time-out.
    static func follow(_ id: String, client: ClusterClient, options: ClientOptions) async throws {
        let deadline = ContinuousClock.now + client.timeout
        while true {
            let progress = try await client.request(.get, "/api/v1/tasks/\(id)/progress").body
            let status = progress["status"]?.stringValue ?? "unknown"
            let percent = progress["progress"]?.integerValue ?? 0
            Terminal.progress("\(status) \(percent) % \(progress["current_step"]?.stringValue ?? "")")
            if ["completed", "failed", "cancelled"].contains(status) {
                Terminal.progress("")
                let task = try await client.request(.get, "/api/v1/tasks/\(id)").body
                TaskPrinting.print(task, options.output)
                guard status == "completed" else {
                    throw CommandFailure(code: .failed, message: "the task is \(status)")
                }
                return
            }
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(code: .timeout, message: "the task is still \(status); follow it with: amas task watch \(id)")
            }
            try await Task.sleep(for: pause)
        }
    }
}
