import Agents
import ClusterState
import HTTPTypes
import Logging
import Storage
import Telemetry

extension Handlers {
    static let listParameters: [QueryParameter] = [
        .init(
            "status", "The task's status.",
            ["type": "string", "enum": .array(TaskStatus.allCases.map { .string($0.name) })]),
        .init("task_type", "The task's type.", ["type": "string"]),
        .init("created_by", "Who created it.", ["type": "string"]),
        .init("agent", "An agent of its plan.", ["type": "string"]),
        .init("priority", "Its priority.", ["type": "integer", "minimum": 1, "maximum": 10]),
        .init("created_after", "Created at this time or later.", ["type": "string", "format": "date-time"]),
        .init("created_before", "Created before this time.", ["type": "string", "format": "date-time"]),
        .init("q", "Words in title or description.", ["type": "string"]),
        .init("sort", "The only order there is.", ["type": "string", "enum": ["-created_at"]]),
        .init("limit", "Tasks on a page.", ["type": "integer", "minimum": 1, "maximum": 1000, "default": 100]),
        .init("offset", "Tasks before the page.", ["type": "integer", "minimum": 0]),
        .init("cursor", "Where the last page ended; instead of offset.", ["type": "string"]),
        .consistency,
    ]

    /// `GET /api/v1/tasks`: PostgreSQL merged with the live state, or the live state alone with `partial`.
    func listTasks(_ call: Call) async throws(Problem) -> Answer {
        let query = try TaskListQuery(call, limits)
        let state = try await state(for: call)
        let (listing, isPartial) = try await listing(query, state)
        var answer = Answer.json(
            JSONWriter.document(capacity: 1 << 14) { json in
                json.object { json in
                    json.name("tasks")
                    json.array(of: listing.tasks) { $1.write(to: &$0) }
                    json.field("total", listing.total)
                    json.field("next_cursor", listing.next?.text)
                    json.field("partial", isPartial)
                }
            })
        answer.headers[.amasIndex] = state.revision.position
        if let next = listing.next {
            let rest = call.query.replacing([("offset", nil), ("cursor", next.text)])
            answer.headers[.link] = "<\(call.path)?\(rest)>; rel=\"next\""
        }
        return answer
    }

    private func livePage(_ query: TaskListQuery, _ state: ClusterState) async throws(Problem) -> TaskListing {
        var page = await readPage(query, state)
        // What has left the state since it was looked at has taken its payloads along.
        if case .failure(.gone) = page { page = await readPage(query, cluster.state) }
        do throws(PayloadError) {
            return try page.get()
        } catch {
            throw Problem(error)
        }
    }

    private func readPage(_ query: TaskListQuery, _ state: ClusterState) async -> Result<TaskListing, PayloadError> {
        let byteLimit = limits.pageBytes
        return await state.reading { state in
            Result { () throws(PayloadError) in try LiveTaskList.page(query, of: state, byteLimit: byteLimit) }
        }
    }

    private func listing(_ query: TaskListQuery, _ state: ClusterState) async throws(Problem) -> (
        TaskListing, isPartial: Bool
    ) {
        // Without PostgreSQL nothing leaves the live state.
        guard let store else { return (try await livePage(query, state), false) }
        do throws(StorageError) {
            return (TaskListing(try await store.list(query, over: state)), false)
        } catch {
            guard error.meansPartial else { throw Problem(error) }
            logger.debug("the task list is partial", metadata: ["error": "\(error)"])
            return (try await livePage(query, state), true)
        }
    }
}

extension QueryParameter {
    init(_ name: String, _ description: String, _ schema: JSONValue) {
        self.init(name: name, description: description, schema: schema)
    }

    static let consistency = QueryParameter(
        "consistency", "How fresh: what the cluster has, at least X-Amas-Index, or what this node has.",
        ["type": "string", "enum": ["strong", "session", "stale"], "default": "session"])
}

extension TaskListQuery {
    fileprivate init(_ call: Call, _ limits: APILimits) throws(Problem) {
        self.init(TaskFilter(tenant: call.caller.tenant), limit: limits.pageDefault)
        var reader = Reader(query: call.query)
        filter.status = reader.read(
            "status", "must be one of \(TaskStatus.allCases.map(\.name).joined(separator: ", "))"
        ) { text in
            TaskStatus.allCases.first { $0.name == text }
        }
        filter.priority = reader.read("priority", "must be a whole number from 1 to 10") { text in
            UInt32(text).flatMap { 1...10 ~= $0 ? $0 : nil }
        }
        let isTime = "must be an RFC 3339 time"
        filter.createdAfter = reader.read("created_after", isTime) { WallTime(rfc3339: $0) }
        filter.createdBefore = reader.read("created_before", isTime) { WallTime(rfc3339: $0) }
        filter.text = reader.read("q", "must have 1 to 32 words") {
            SearchText($0).flatMap { $0.isEmpty ? nil : $0 }
        }
        (filter.taskType, filter.createdBy, filter.agent) = (
            call.query["task_type"], call.query["created_by"], call.query["agent"]
        )
        let range = 1...limits.pageMaximum
        limit =
            reader.read("limit", "must be a whole number from 1 to \(limits.pageMaximum)") { text in
                Int(text).flatMap { range.contains($0) ? $0 : nil }
            } ?? limit
        _ = reader.read("sort", "must be -created_at") { $0 == "-created_at" ? true : nil }
        if let offset = reader.read("offset", "must be a whole number", { Int($0).flatMap { $0 >= 0 ? $0 : nil } }) {
            start = .offset(offset)
        }
        if let cursor = reader.read("cursor", "is not one that this API gave", { TaskListCursor(text: $0) }) {
            if call.query["offset"] != nil {
                reader.problems.append(FieldProblem("cursor", "give either cursor or offset"))
            }
            start = .after(cursor)
        }
        guard reader.problems.isEmpty else { throw Problem(.badRequest, fields: reader.problems) }
    }

    /// Collects what is wrong, so that all of it is answered at once.
    private struct Reader {
        let query: QueryItems
        var problems: [FieldProblem] = []

        mutating func read<Value>(_ name: String, _ message: String, _ parse: (String) -> Value?) -> Value? {
            guard let text = query[name] else { return nil }
            if let value = parse(text) { return value }
            problems.append(FieldProblem(name, message))
            return nil
        }
    }
}
