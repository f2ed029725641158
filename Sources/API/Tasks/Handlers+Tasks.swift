import ClusterState
import HTTPTypes
import Orchestration
import Storage

extension Handlers {
    /// `GET /api/v1/tasks/{task_id}`
    func readTask(_ call: Call) async throws(Problem) -> Answer {
        let key = try key(call)
        let consistency = try call.consistency()
        var state = try await state(for: call)
        var applied: UInt64?
        if let wait = try call.wait(limits: limits), state.task(key)?.status.isTerminal == false {
            let result = await waitUntilTerminal(key, seconds: wait)
            state = result.0
            if result.isApplied { applied = wait }
        }
        let document =
            consistency == .stale
            ? try await staleDocument(key, state) : try await document(key, state, isStrong: consistency == .strong)
        var answer = answer(document, state)
        if let applied { answer.headers[.preferenceApplied] = "wait=\(applied)" }
        guard applied == nil, call.has(entityTag: document.entityTag) else { return answer }
        answer.status = 304
        answer.body = []
        answer.headers[.contentType] = nil
        return answer
    }

    /// A stale read works without a quorum, so it cannot promise that there is no such task.
    private func staleDocument(_ key: TaskKey, _ state: ClusterState) async throws(Problem) -> StoredTask {
        if let view = state.task(key) { return live(view, state) }
        if let stored = try await stored(key).get() { return stored }
        throw Problem(.notFound, "this node knows no task with this id; a strong read would be sure")
    }

    /// `POST /api/v1/tasks/{task_id}/execute`
    func executeTask(_ call: Call) async throws(Problem) -> Answer {
        let key = try key(call)
        if !call.body.isEmpty { _ = try object(call.body, fields: []) }
        var command = ExecuteTask()
        command.taskID = key.id
        command.requestedBy = call.caller.name
        if let idempotency = try idempotency(call) { command.idempotency = idempotency }
        return try await triggered(try await propose(Provable(.execute(command)), call))
    }

    /// `POST /api/v1/tasks/{task_id}/cancel`
    func cancelTask(_ call: Call) async throws(Problem) -> Answer {
        let key = try key(call)
        var command = CancelTask()
        command.taskID = key.id
        command.requestedBy = call.caller.name
        if !call.body.isEmpty { command.reason = try reason(call.body) }
        if let idempotency = try idempotency(call) { command.idempotency = idempotency }
        let ended: TaskStatus
        switch try await propose(.cancelTask(command), call) {
        case .accepted(let accepted): return try await triggered(accepted)
        case .rejected(.evicted(let status, _)): ended = status
        case .rejected(.unknownTask):
            // The log knows only what is live. Whether the task ever was is PostgreSQL's to say.
            guard let stored = try await stored(key).get() else { throw refusal(.unknownTask) }
            ended = stored.status
        case .rejected(let rejection): throw refusal(rejection)
        }
        // As for one that is live: who wants it cancelled has what he wants.
        guard ended == .cancelled else { throw Problem(.wrongState, "the task has ended: it is \(ended.name)") }
        return try await triggered(Accepted(key: key, revision: .zero, isReplayed: false))
    }

    private func triggered(_ accepted: Accepted) async throws(Problem) -> Answer {
        let state = cluster.state
        var answer = answer(try await document(accepted.key, state, isStrong: true), state, status: 202)
        answer.headers[.location] = "/api/v1/tasks/\(accepted.key.id)"
        if accepted.isReplayed { answer.headers[.idempotencyReplayed] = "true" }
        return answer
    }

    // MARK: Small bodies

    func object(_ text: [UInt8], fields: [String]) throws(Problem) -> JSONNode {
        let node: JSONNode
        do throws(JSONError) {
            node = try JSONReader.read(text, limits: limits.json)
        } catch {
            throw Problem(error)
        }
        guard case .object(let members) = node.value else {
            throw Problem(.invalid, "the body must be a JSON object, and is \(node.typeName)")
        }
        let known = fields.isEmpty ? "none is known" : "known are \(fields.joined(separator: ", "))"
        let unknown = members.filter { !fields.contains($0.name) }
        guard unknown.isEmpty else {
            throw Problem(.invalid, fields: unknown.map { FieldProblem($0.name, "unknown; \(known)") })
        }
        return node
    }

    private func reason(_ body: [UInt8]) throws(Problem) -> String {
        guard let value = try object(body, fields: ["reason"])["reason"] else { return "" }
        guard let text = value.stringValue, text.utf8.count <= limits.cancelReasonBytes else {
            throw .invalid("reason", "must be a string of at most \(limits.cancelReasonBytes) bytes")
        }
        return text
    }
}
