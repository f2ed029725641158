import Agents
import ArgumentParser
import Egress
import FoundationEssentials

struct TaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Submit tasks and follow them.",
        subcommands: [Submit.self, Get.self, Watch.self, List.self, Cancel.self])

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Submit a task.")

        @OptionGroup var options: ClientOptions
        @Option(name: .long, help: "What kind of task it is, such as code_analysis.")
        var type: String
        @Option(name: .long, help: "A title (default: the type and the target).")
        var title: String?
        @Option(name: .long, help: "What it is about, such as a folder inside the workspace.")
        var target: String?
        @Option(
            name: .long,
            help: "A parameter as name=value; may be given several times. A value that is JSON is taken as such.")
        var parameter: [String] = []
        @Option(name: .long, help: "1 (most urgent) to 10.")
        var priority: Int?
        @Option(name: .long, help: "Makes repeating the command harmless (default: a random key).")
        var idempotencyKey: String?
        @Flag(name: .long, help: "Wait for the end and print the report.")
        var wait = false

        func run() async throws {
            var body: [String: JSONValue] = [
                "task_type": .string(type), "title": .string(title ?? "\(type) \(target ?? "")".trimmed),
            ]
            if let target { body["target"] = .string(target) }
            if let priority { body["priority"] = .integer(Int64(priority)) }
            if !parameter.isEmpty { body["parameters"] = .object(try parameters()) }
            let key = idempotencyKey ?? UUID().uuidString
            let client = try options.client()
            let answer = try await client.request(
                .post, "/api/v1/tasks", body: .object(body), headers: [HTTPHeader("idempotency-key", key)])
            guard wait, let id = answer.body["task_id"]?.stringValue else {
                return TaskPrinting.print(answer.body, options.output)
            }
            Terminal.error("submitted \(id)")
            let task = try await TaskFollowing(client: client, taskID: id).run()
            TaskPrinting.print(task, options.output)
            try TaskPrinting.checkSuccess(task)
        }

        private func parameters() throws -> [String: JSONValue] {
            var result: [String: JSONValue] = [:]
            for pair in parameter {
                guard let equals = pair.firstIndex(of: "=") else {
                    throw ValidationError("--parameter is name=value, not \(pair)")
                }
                let text = String(pair[pair.index(after: equals)...])
                let value = (try? AgentJSON.decode(JSONValue.self, from: Array(text.utf8))) ?? .string(text)
                result[String(pair[..<equals])] = value
            }
            return result
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a task with its result.")
        @OptionGroup var options: ClientOptions
        @Argument(help: "The task's id.") var id: String

        func run() async throws {
            let answer = try await options.client().request(.get, "/api/v1/tasks/\(id.percentEncoded)")
            TaskPrinting.print(answer.body, options.output)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow a task to its end, then print it.",
            discussion: """
                Events are noted on the standard error as they come, each once, from whichever endpoint lives; --timeout bounds the \
                whole. With -o json each event is one line on the standard output, and the task is the last line. \
                Exit code 1 if the task failed or was cancelled, 5 if it has not ended in time.
                """)
        @OptionGroup var options: ClientOptions
        @Argument(help: "The task's id.") var id: String

        func run() async throws {
            let following = TaskFollowing(
                client: try options.client(), taskID: id, printsEvents: options.output == .json)
            let task = try await following.run()
            TaskPrinting.print(task, options.output)
            try TaskPrinting.checkSuccess(task)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tasks, the newest first.")
        @OptionGroup var options: ClientOptions
        @Option(name: .long, help: "Only tasks with this status.") var status: String?
        @Option(name: .long, help: "Only tasks of this type.") var type: String?
        @Option(name: .long, help: "At most so many (1 to 1000).") var limit: Int = 20
        @Option(name: .long, help: "Goes on where the page ended that gave this as its next_cursor.") var cursor:
            String?

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is from 1 to 1000") }
        }

        func run() async throws {
            var query = "?limit=\(limit)"
            if let status { query += "&status=\(status.percentEncoded)" }
            if let type { query += "&task_type=\(type.percentEncoded)" }
            if let cursor { query += "&cursor=\(cursor.percentEncoded)" }
            let answer = try await options.client().request(.get, "/api/v1/tasks" + query)
            TaskPrinting.printList(answer.body, options.output)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ask for the end of a task.")
        @OptionGroup var options: ClientOptions
        @Argument(help: "The task's id.") var id: String

        func run() async throws {
            let answer = try await options.client().request(
                .post, "/api/v1/tasks/\(id.percentEncoded)/cancel", body: .object([:]))
            TaskPrinting.print(answer.body, options.output)
        }
    }
}
