import ClusterState
import Storage
import Telemetry

extension StoredTask {
    /// The entity tag of this version.
    var entityTag: String { "\"\(revision)\"" }

    func encoded() -> [UInt8] {
        JSONWriter.document(capacity: 1024 + (parameters?.count ?? 0) + 2 * (result?.count ?? 0)) { write(to: &$0) }
    }

    /// The report inside a result. Our own results are not a client's: only the depth is worth a limit.
    private static func report(in result: [UInt8]) -> String? {
        let limits = JSONLimits(depth: 64, stringBytes: .max, values: .max)
        return (try? JSONReader.read(result, limits: limits))?["output"]?.stringValue
    }

    /// In the order in which the contract lists the fields.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("task_id", key.id)
            json.field("title", title)
            json.field("description", description)
            json.field("task_type", taskType)
            json.field("target", target)
            json.name("parameters")
            if let parameters { json.raw(parameters) } else { json.object { _ in } }
            json.field("priority", priority)
            json.field("status", status.name)
            json.field("strategy", strategy)
            json.name("prediction")
            json.null()
            json.field("assigned_agents", strings: assignedAgents)
            json.field(
                "agent_results",
                object: { json in
                    for execution in currentExecutions {
                        guard let result = execution.result else { continue }
                        json.name(execution.stepID)
                        json.raw(result)
                    }
                })
            json.field("result", raw: result)
            json.field("output", result.flatMap(Self.report))
            json.field("summary", summary)
            json.field("quality_score", decimal: qualityPpm.map { UInt64($0) }, digits: 6)
            json.field("success_rate", decimal: successPpm.map { UInt64($0) }, digits: 6)
            json.field("duration_seconds", decimal: durationMilliseconds, digits: 3)
            json.field("execution_metadata", object: execution.write)
            json.name("error_details")
            if let failure { failure.write(to: &json) } else { json.null() }
            json.field("created_at", createdAt.rfc3339)
            json.field("updated_at", updatedAt.rfc3339)
            json.field("started_at", startedAt?.rfc3339)
            json.field("completed_at", completedAt?.rfc3339)
            json.field("created_by", createdBy)
            json.field("revision", revision.rawValue)
        }
    }
}

extension StoredTask.Execution {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("node", node)
        json.field("attempt", attempt)
        json.field("epoch", epoch)
        json.field("providers", strings: providers)
        json.field(
            "tokens",
            object: { json in
                json.field("input", inputTokens)
                json.field("output", outputTokens)
            })
        json.field("cost_usd", decimal: costMicroUSD, digits: 6)
        json.name("model_version")
        json.null()
    }
}

extension StoredTask.Failure {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("reason", reason)
            json.field("message", message)
            json.field("subject", subject)
        }
    }
}
