import ClusterState
import Postgres
import Telemetry

/// The row of a task.
enum TaskRow {
    /// Writes a task unless PostgreSQL has it from the same or a later revision.
    static let upsert = upsert(columns: "", values: "", updates: "")

    /// The same, with what the task needs to run again. Once written that stays.
    static let upsertWithArchive = upsert(
        columns: ", spec, created_revision", values: ", $41::bytea, $42::bigint",
        updates: """
            ,
                spec = coalesce(t.spec, EXCLUDED.spec),
                created_revision = coalesce(t.created_revision, EXCLUDED.created_revision)
            """)

    private static func upsert(columns: String, values: String, updates: String) -> String {
        #"""
        INSERT INTO tasks AS t (
            tenant, task_id, revision, title, description, task_type, target, parameters, priority, status, strategy,
            plan, depends_on, assigned_agents, result, output, summary, quality_ppm, success_ppm,
            duration_milliseconds, execution_metadata, error_details,
            created_at, updated_at, started_at, completed_at, created_by, search, content_bytes\#(columns))
        SELECT
            $1, $2, $3, $4, $5, $6, $7::text, $8::json, $9::smallint, $10, $11,
            (SELECT json_agg(json_build_object(
                    'id', s.id, 'agent', s.agent, 'needs', string_to_array(s.needs, ' ')::int[]) ORDER BY s.place)
                FROM unnest($12::text[], $13::text[], $14::text[]) WITH ORDINALITY AS s (id, agent, needs, place)),
            $15, $16, $17::json, json_text($17::json, 'output'), $18::text, $19::integer, $20::integer, $21::bigint,
            jsonb_build_object(
                'node', $22::text, 'attempt', $23::bigint, 'run_attempt', $24::bigint, 'epoch', $25::bigint,
                'providers', $26::text[], 'tokens', jsonb_build_object('input', $27::bigint, 'output', $28::bigint),
                'cost_usd', round($29::bigint / 1000000.0, 6), 'cost_micro_usd', $29::bigint,
                'late_cost_micro_usd', $30::bigint),
            CASE WHEN $31::text IS NOT NULL
                THEN jsonb_build_object('reason', $31::text, 'message', $32::text, 'subject', $33::text) END,
            $34::timestamptz, $35::timestamptz, $36::timestamptz, $37::timestamptz, $38,
            array_to_tsvector($39), $40::bigint\#(values)
        ON CONFLICT ON CONSTRAINT tasks_task_id DO UPDATE SET
            revision = EXCLUDED.revision, status = EXCLUDED.status, result = EXCLUDED.result,
            output = EXCLUDED.output, summary = EXCLUDED.summary, quality_ppm = EXCLUDED.quality_ppm,
            success_ppm = EXCLUDED.success_ppm, duration_milliseconds = EXCLUDED.duration_milliseconds,
            execution_metadata = EXCLUDED.execution_metadata, error_details = EXCLUDED.error_details,
            updated_at = EXCLUDED.updated_at, started_at = EXCLUDED.started_at,
            completed_at = EXCLUDED.completed_at, content_bytes = EXCLUDED.content_bytes\#(updates)
        WHERE t.revision < EXCLUDED.revision
        """#
    }

    /// What a task needs to run again.
    struct Archive {
        let spec: [UInt8]
        let createdRevision: Revision

        init(_ view: TaskView) {
            spec = view.spec.archived
            createdRevision = view.createdRevision
        }
    }

    /// - Parameter archive: nil leaves what is there.
    static func statement(_ task: StoredTask, _ revision: Int64, _ archive: Archive?) -> PostgresStatement {
        let run = task.execution
        let kept: [PostgresValue] = archive.map { [.bytea($0.spec), .int8($0.createdRevision.rawValue)] } ?? []
        return PostgresStatement(
            archive == nil ? upsert : upsertWithArchive,
            [
                .text(task.key.tenant.storable), .text(task.key.id), .int8(revision), .text(task.title.storable),
                .text(task.description.storable), .text(task.taskType.storable), .text(task.target),
                .json(task.parameters), .int8(Int64(task.priority)), .text(task.status.name), .text(task.strategy),
                .textArray(task.plan.map(\.id.storable)), .textArray(task.plan.map(\.agent.storable)),
                .textArray(task.plan.map { $0.needs.map { "\($0)" }.joined(separator: " ") }),
                .textArray(task.dependsOn.map(\.storable)), .textArray(task.assignedAgents.map(\.storable)),
                .json(task.result), .text(task.summary), .int8(task.qualityPpm), .int8(task.successPpm),
                .int8(task.durationMilliseconds),
                .text(run.node), .int8(run.attempt), .int8(run.runAttempt), .int8(run.epoch),
                .textArray(run.providers.map(\.storable)), .int8(run.inputTokens), .int8(run.outputTokens),
                .int8(run.costMicroUSD), .int8(run.lateCostMicroUSD),
                .text(task.failure?.reason), .text(task.failure?.message), .text(task.failure?.subject),
                .timestamptz(task.createdAt), .timestamptz(task.updatedAt), .timestamptz(task.startedAt),
                .timestamptz(task.completedAt), .text(task.createdBy.storable),
                .textArray(SearchText.words(of: [task.title, task.description])), .int8(Int64(task.contentBytes)),
            ] + kept)
    }
}

/// The row of one attempt at one step.
enum ExecutionRow {
    /// Writes an execution unless PostgreSQL has it from the same or a later revision. One that has not changed since an
    /// earlier revision of its task is left alone: rewriting it would write its result again each time.
    static let upsert = #"""
        INSERT INTO task_executions AS e (
            tenant, task_id, step, attempt, revision, step_id, agent, status, epoch, node, result, summary, provider,
            model, input_tokens, output_tokens, cost_micro_usd, started_at, completed_at, duration_milliseconds,
            quality_ppm, error_details)
        SELECT
            $1, $2, $3::integer, $4::bigint, $5::bigint, $6, $7, $8, $9::bigint, $10::text, $11::json, $12::text,
            $13::text, $14::text, $15::bigint, $16::bigint, $17::bigint, $18::timestamptz, $19::timestamptz,
            $20::bigint, $21::integer,
            CASE WHEN $22::text IS NOT NULL
                THEN jsonb_build_object('reason', $22::text, 'message', $23::text, 'subject', $24::text) END
        ON CONFLICT (tenant, task_id, step, attempt) DO UPDATE SET
            revision = EXCLUDED.revision, status = EXCLUDED.status, epoch = EXCLUDED.epoch, node = EXCLUDED.node,
            result = EXCLUDED.result, summary = EXCLUDED.summary, provider = EXCLUDED.provider,
            model = EXCLUDED.model, input_tokens = EXCLUDED.input_tokens, output_tokens = EXCLUDED.output_tokens,
            cost_micro_usd = EXCLUDED.cost_micro_usd, started_at = EXCLUDED.started_at,
            completed_at = EXCLUDED.completed_at, duration_milliseconds = EXCLUDED.duration_milliseconds,
            quality_ppm = EXCLUDED.quality_ppm, error_details = EXCLUDED.error_details
        WHERE e.revision < EXCLUDED.revision
            AND (e.status, e.epoch, e.completed_at) IS DISTINCT FROM
                (EXCLUDED.status, EXCLUDED.epoch, EXCLUDED.completed_at)
        """#

    static func statement(_ execution: StoredExecution, of key: TaskKey, _ revision: Int64) -> PostgresStatement {
        PostgresStatement(
            upsert,
            [
                .text(key.tenant.storable), .text(key.id), .int8(execution.step), .int8(execution.attempt),
                .int8(revision), .text(execution.stepID.storable), .text(execution.agent.storable),
                .text(execution.status.name), .int8(execution.epoch), .text(execution.node), .json(execution.result),
                .text(execution.summary), .text(execution.provider), .text(execution.model),
                .int8(execution.inputTokens), .int8(execution.outputTokens), .int8(execution.costMicroUSD),
                .timestamptz(execution.startedAt), .timestamptz(execution.completedAt),
                .int8(execution.durationMilliseconds), .int8(execution.qualityPpm),
                .text(execution.failure?.reason), .text(execution.failure?.message), .text(execution.failure?.subject),
            ])
    }
}

extension PostgresValue {
    fileprivate static func text(_ text: String?) -> PostgresValue {
        text.map { .text($0.storable) } ?? .null
    }

    /// Null also for bytes that are not UTF-8, which no JSON is.
    fileprivate static func json(_ bytes: [UInt8]?) -> PostgresValue {
        bytes.flatMap { String(validating: $0, as: UTF8.self) }.map { .json($0.storable) } ?? .null
    }

    fileprivate static func int8(_ number: (some BinaryInteger)?) -> PostgresValue {
        number.map { .int8(Int64(clamping: $0)) } ?? .null
    }

    static func timestamptz(_ time: WallTime?) -> PostgresValue {
        time.map { .timestamptz(PostgresTimestamp(microsecondsSinceUnixEpoch: $0.microsecondsSince1970)) } ?? .null
    }
}

extension String {
    /// Text as PostgreSQL can hold it: a zero byte, which it cannot, becomes the replacement character. The state takes
    /// such text, so it must not be able to hold up the projection.
    var storable: String {
        guard utf8.contains(0) else { return self }
        var scalars = UnicodeScalarView()
        for scalar in unicodeScalars { scalars.append(scalar.value == 0 ? "\u{FFFD}" : scalar) }
        return String(scalars)
    }
}
