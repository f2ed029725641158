import ClusterState
import Postgres
import Telemetry

extension TaskRow {
    /// What `StoredTask.init(_:)` reads, of a table called `t`. With `$<detail>` false the content is left out, unread.
    static func columns(detail: String) -> String {
        #"""
        t.tenant, t.task_id, t.revision, t.title, t.description, t.task_type, t.target, t.priority, t.status,
        t.strategy, t.depends_on, t.assigned_agents, t.summary, t.quality_ppm, t.success_ppm,
        t.duration_milliseconds, t.created_at, t.updated_at, t.started_at, t.completed_at, t.created_by,
        CASE WHEN \#(detail) THEN t.parameters END AS parameters,
        CASE WHEN \#(detail) THEN t.result END AS result,
        ARRAY(SELECT s.value ->> 'id' FROM json_array_elements(t.plan) WITH ORDINALITY AS s (value, place)
            ORDER BY s.place) AS step_ids,
        ARRAY(SELECT s.value ->> 'agent' FROM json_array_elements(t.plan) WITH ORDINALITY AS s (value, place)
            ORDER BY s.place) AS step_agents,
        ARRAY(SELECT translate(s.value ->> 'needs', '[]', '')
            FROM json_array_elements(t.plan) WITH ORDINALITY AS s (value, place) ORDER BY s.place) AS step_needs,
        t.execution_metadata ->> 'node' AS node,
        (t.execution_metadata ->> 'attempt')::bigint AS attempt,
        (t.execution_metadata ->> 'run_attempt')::bigint AS run_attempt,
        (t.execution_metadata ->> 'epoch')::bigint AS epoch,
        ARRAY(SELECT jsonb_array_elements_text(t.execution_metadata -> 'providers')) AS providers,
        (t.execution_metadata -> 'tokens' ->> 'input')::bigint AS input_tokens,
        (t.execution_metadata -> 'tokens' ->> 'output')::bigint AS output_tokens,
        (t.execution_metadata ->> 'cost_micro_usd')::bigint AS cost_micro_usd,
        (t.execution_metadata ->> 'late_cost_micro_usd')::bigint AS late_cost_micro_usd,
        t.error_details ->> 'reason' AS reason, t.error_details ->> 'message' AS message,
        t.error_details ->> 'subject' AS subject
        """#
    }
}

extension ExecutionRow {
    /// What `StoredExecution.init(_:)` reads, of a table called `e`, and the task it belongs to.
    static func columns(detail: String) -> String {
        #"""
        e.task_id, e.step, e.attempt, e.step_id, e.agent, e.status, e.epoch, e.node, e.summary, e.provider, e.model,
        CASE WHEN \#(detail) THEN e.result END AS result,
        e.input_tokens, e.output_tokens, e.cost_micro_usd, e.started_at, e.completed_at, e.duration_milliseconds,
        e.quality_ppm, e.error_details ->> 'reason' AS reason, e.error_details ->> 'message' AS message,
        e.error_details ->> 'subject' AS subject
        """#
    }
}

extension StoredTask {
    /// The task of a row, without executions.
    init(_ row: PostgresRow) throws(PostgresError) {
        let status: StoredStatus<TaskStatus> = try row.decode("status")
        guard let key = TaskKey(tenant: try row.decode("tenant"), id: try row.decode("task_id")) else {
            throw .undecodable(column: "task_id", .malformed)
        }
        self.init(
            key: key, revision: Revision(rawValue: try row.unsigned("revision")), title: try row.decode("title"),
            description: try row.decode("description"), taskType: try row.decode("task_type"),
            target: try row.decode("target"), parameters: try row.json("parameters"),
            priority: try row.unsigned("priority"), status: status.value, strategy: try row.decode("strategy"),
            plan: try Self.plan(row), dependsOn: try row.decode("depends_on"),
            assignedAgents: try row.decode("assigned_agents"), result: try row.json("result"),
            summary: try row.decode("summary"), qualityPpm: try row.optional("quality_ppm"),
            successPpm: try row.optional("success_ppm"),
            durationMilliseconds: try row.optional("duration_milliseconds"), execution: try Execution(row),
            failure: try Failure(row), createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"), startedAt: try row.optionalTime("started_at"),
            completedAt: try row.optionalTime("completed_at"), createdBy: try row.decode("created_by"), executions: [])
    }

    private static func plan(_ row: PostgresRow) throws(PostgresError) -> [PlannedStep] {
        let ids: [String] = try row.decode("step_ids")
        let agents: [String] = try row.decode("step_agents")
        let needs: [String] = try row.decode("step_needs")
        guard ids.count == agents.count, ids.count == needs.count else {
            throw .undecodable(column: "plan", .malformed)
        }
        return ids.indices.map { place in
            let needs = needs[place].split(separator: ",").compactMap { UInt32($0) }
            return PlannedStep(id: ids[place], agent: agents[place], needs: needs)
        }
    }
}

extension StoredTask.Execution {
    fileprivate init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            node: try row.decode("node"), attempt: try row.unsigned("attempt"),
            runAttempt: try row.unsigned("run_attempt"), epoch: try row.optional("epoch"),
            providers: try row.decode("providers"), inputTokens: try row.unsigned("input_tokens"),
            outputTokens: try row.unsigned("output_tokens"), costMicroUSD: try row.unsigned("cost_micro_usd"),
            lateCostMicroUSD: try row.unsigned("late_cost_micro_usd"))
    }
}

extension StoredTask.Failure {
    fileprivate init?(_ row: PostgresRow) throws(PostgresError) {
        guard let reason: String = try row.decode("reason") else { return nil }
        self.init(reason: reason, message: try row.decode("message"), subject: try row.decode("subject"))
    }
}

extension StoredExecution {
    init(_ row: PostgresRow) throws(PostgresError) {
        let status: StoredStatus<StepStatus> = try row.decode("status")
        self.init(
            step: try row.unsigned("step"), attempt: try row.unsigned("attempt"), stepID: try row.decode("step_id"),
            agent: try row.decode("agent"), status: status.value, epoch: try row.optional("epoch"),
            node: try row.decode("node"), result: try row.json("result"), summary: try row.decode("summary"),
            provider: try row.decode("provider"), model: try row.decode("model"),
            inputTokens: try row.unsigned("input_tokens"), outputTokens: try row.unsigned("output_tokens"),
            costMicroUSD: try row.unsigned("cost_micro_usd"), startedAt: try row.optionalTime("started_at"),
            completedAt: try row.optionalTime("completed_at"),
            durationMilliseconds: try row.unsigned("duration_milliseconds"),
            qualityPpm: try row.optional("quality_ppm"), failure: try StoredTask.Failure(row))
    }
}

/// A status by the name that the contract gives it.
private struct StoredStatus<Status: NamedStatus>: PostgresDecodable {
    let value: Status

    init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        let name = try String(postgresField: field)
        guard let value = Status.allCases.first(where: { $0.name == name }) else { throw .malformed }
        self.value = value
    }
}

private protocol NamedStatus: CaseIterable {
    var name: String { get }
}

extension TaskStatus: NamedStatus {}
extension StepStatus: NamedStatus {}

extension PostgresRow {
    func status(_ column: String) throws(PostgresError) -> TaskStatus {
        let status: StoredStatus<TaskStatus> = try decode(column)
        return status.value
    }

    func unsigned<Number: FixedWidthInteger>(_ column: String) throws(PostgresError) -> Number {
        guard let number = Number(exactly: try decode(column, as: Int64.self)) else {
            throw .undecodable(column: column, .outOfRange)
        }
        return number
    }

    func optional<Number: FixedWidthInteger>(_ column: String) throws(PostgresError) -> Number? {
        guard let stored: Int64 = try decode(column) else { return nil }
        guard let number = Number(exactly: stored) else { throw .undecodable(column: column, .outOfRange) }
        return number
    }

    fileprivate func json(_ column: String) throws(PostgresError) -> [UInt8]? {
        let text: String? = try decode(column)
        return text.map { Array($0.utf8) }
    }

    func time(_ column: String) throws(PostgresError) -> WallTime {
        let time: PostgresTimestamp = try decode(column)
        return WallTime(microsecondsSince1970: time.microsecondsSinceUnixEpoch)
    }

    fileprivate func optionalTime(_ column: String) throws(PostgresError) -> WallTime? {
        let time: PostgresTimestamp? = try decode(column)
        return time.map { WallTime(microsecondsSince1970: $0.microsecondsSinceUnixEpoch) }
    }
}
