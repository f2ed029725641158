import Agents

/// Tasks as a person or a script wants to read them.
enum TaskPrinting {
    static func print(_ task: JSONValue, _ format: OutputFormat) {
        switch format {
        case .json: printJSON(task)
        case .table: Terminal.output(text(task))
        }
    }

    /// - Throws: with code 1 if the task has ended otherwise than well.
    static func checkSuccess(_ task: JSONValue) throws(CommandFailure) {
        let status = plain(task["status"])
        guard status == "completed" else { throw CommandFailure(code: .failed, message: "the task is \(status)") }
    }

    static func printList(_ page: JSONValue, _ format: OutputFormat) {
        guard format == .table else { return printJSON(page) }
        let tasks = page["tasks"]?.arrayValue ?? []
        let rows = tasks.map { task in
            ["task_id", "status", "task_type", "priority", "created_at", "title"].map { plain(task[$0]) }
        }
        Terminal.output(Terminal.table([["TASK", "STATUS", "TYPE", "PRIORITY", "CREATED", "TITLE"]] + rows))
        guard let total = page["total"]?.integerValue, total > tasks.count else { return }
        let next = page["next_cursor"]?.stringValue.map { "; the next: --cursor '\($0)'" } ?? ""
        Terminal.error("\(tasks.count) of \(total)\(next)")
    }

    static func printJSON(_ value: JSONValue) {
        let bytes = (try? AgentJSON.encode(value)) ?? []
        Terminal.output(String(decoding: bytes, as: UTF8.self))
    }

    static func plain(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: ""
        case .string(let text): text
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .array(let items): items.map { plain($0) }.joined(separator: ", ")
        case .object: "…"
        }
    }

    private static func text(_ task: JSONValue) -> String {
        let names = [
            ("task", "task_id"), ("title", "title"), ("type", "task_type"), ("target", "target"), ("status", "status"),
            ("agents", "assigned_agents"), ("created", "created_at"), ("duration", "duration_seconds"),
            ("quality", "quality_score"), ("summary", "summary"),
        ]
        var rows = names.map { [$0.0, plain(task[$0.1])] }.filter { !$0[1].isEmpty }
        if let reason = task["error_details"]?["reason"] { rows.append(["error", plain(reason)]) }
        var text = Terminal.table(rows)
        if let output = task["output"]?.stringValue, !output.isEmpty { text += "\n\n" + output }
        return text
    }
}
