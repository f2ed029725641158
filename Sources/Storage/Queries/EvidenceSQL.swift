import ClusterState
import Postgres
import Telemetry

/// The statement behind `TaskQueries.evidence`.
enum EvidenceSQL {
    static func rows(of ids: [String], tenant: String, archiveOf id: String?) -> PostgresStatement {
        PostgresStatement(
            #"""
            SELECT t.task_id, t.status, t.revision, t.created_at, t.created_revision,
                CASE WHEN t.task_id = $3 THEN t.spec END AS spec,
                (t.execution_metadata ->> 'attempt')::bigint AS attempt,
                (t.execution_metadata -> 'tokens' ->> 'input')::bigint AS input_tokens,
                (t.execution_metadata -> 'tokens' ->> 'output')::bigint AS output_tokens,
                (t.execution_metadata ->> 'cost_micro_usd')::bigint AS cost_micro_usd,
                (t.execution_metadata ->> 'late_cost_micro_usd')::bigint AS late_cost_micro_usd
            FROM tasks t WHERE t.tenant = $1 AND t.task_id = ANY ($2) ORDER BY t.task_id
            """#,
            [.text(tenant.storable), .textArray(ids.map(\.storable)), .text(id?.storable ?? "")])
    }
}

extension StoredEvidence {
    /// - Parameter through: the watermark of the same snapshot.
    init(_ row: PostgresRow, readThrough through: Revision) throws(PostgresError) {
        var evidence = TaskEvidence()
        evidence.taskID = try row.decode("task_id")
        evidence.status = try row.status("status")
        evidence.revision = try row.unsigned("revision")
        evidence.readThrough = through.rawValue
        self.init(evidence)
        guard let bytes: [UInt8] = try row.decode("spec"), let spec = TaskSpec(archived: bytes),
            let created: UInt64 = try row.optional("created_revision")
        else { return }
        var archive = TaskArchive()
        archive.spec = spec
        archive.attempt = try row.unsigned("attempt")
        archive.createdRevision = created
        archive.createdWall = UInt64(clamping: try row.time("created_at").microsecondsSince1970)
        archive.inputTokens = try row.unsigned("input_tokens")
        archive.outputTokens = try row.unsigned("output_tokens")
        archive.costMicroUsd = try row.unsigned("cost_micro_usd")
        archive.lateCostMicroUsd = try row.unsigned("late_cost_micro_usd")
        self.archive = archive
    }
}
