import Agents
import ClusterState
import Orchestration

/// The JSON schemas of bodies and answers.
enum Schemas {
    static let all: [(name: String, schema: JSONValue)] = [
        ("Cancellation", object(["reason": string], isClosed: true)),
        ("Cluster", cluster),
        ("Drain", object(["drain": ["type": "boolean", "default": true]], isClosed: true)),
        ("Health", health),
        ("LeadershipTransfer", object(["member_id": integer], isClosed: true)),
        ("MemberChange", memberChange),
        ("NewMember", newMember),
        ("NewTask", newTask),
        ("Nothing", object([:], isClosed: true)),
        ("Problem", problem),
        (
            "ProblemKind",
            object(["type": string, "title": string, "status": integer, "retry_after_seconds": nullable(integer)])
        ),
        ("Progress", progress),
        ("Replacement", replacement),
        ("Status", object(["status": string])),
        ("Step", step),
        ("Task", task),
        ("TaskList", taskList),
    ]

    private static let string: JSONValue = ["type": "string"]
    private static let integer: JSONValue = ["type": "integer"]
    private static let number: JSONValue = ["type": "number"]
    private static let boolean: JSONValue = ["type": "boolean"]
    private static let time: JSONValue = ["type": "string", "format": "date-time"]
    private static let strings: JSONValue = ["type": "array", "items": ["type": "string"]]
    private static let anything: JSONValue = [:]
    private static let share: JSONValue = ["type": ["number", "null"], "minimum": 0, "maximum": 1]
    private static let statuses: JSONValue = [
        "type": "string", "enum": .array(TaskStatus.allCases.map { .string($0.name) }),
    ]

    private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    private static func list(of items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

    private static func nullable(_ schema: JSONValue) -> JSONValue { ["anyOf": .array([schema, ["type": "null"]])] }

    private static func object(
        _ properties: [String: JSONValue], required: [String] = [], isClosed: Bool = false
    ) -> JSONValue {
        var schema: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        if isClosed { schema["additionalProperties"] = false }
        return .object(schema)
    }

    private static let newTask = object(
        [
            "title": ["type": "string", "minLength": 1, "maxLength": 500],
            "description": ["type": "string", "maxLength": 10_000],
            "task_type": ["type": "string", "minLength": 1, "maxLength": 64],
            "target": ["type": ["string", "null"], "minLength": 1, "maxLength": 4096],
            "parameters": ["type": "object"],
            "priority": ["type": "integer", "minimum": 1, "maximum": 10, "default": 5],
            "agents": ["type": "array", "items": string, "minItems": 1, "maxItems": 64, "uniqueItems": true],
            "strategy": ["type": "string", "enum": ["auto", "parallel", "sequential"]],
            "plan": object(
                ["steps": ["type": "array", "minItems": 1, "maxItems": 64, "items": planStep]], required: ["steps"],
                isClosed: true),
            "depends_on": ["type": "array", "items": string, "maxItems": 64, "uniqueItems": true],
            "auto_execute": ["type": "boolean", "default": true],
            "deadline_seconds": ["type": "number", "exclusiveMinimum": 0],
            "max_attempts": ["type": "integer", "minimum": 1, "maximum": 100],
            "budget_usd": ["type": "number", "exclusiveMinimum": 0],
        ], required: ["title", "task_type"], isClosed: true)

    private static let planStep = object(
        [
            "id": ["type": "string", "minLength": 1, "maxLength": 64], "agent": string, "needs": strings,
            "parameters": ["type": "object"], "requires_approval": ["type": "boolean", "const": false],
        ], required: ["id", "agent"], isClosed: true)

    private static let task = object(
        [
            "task_id": string, "title": string, "description": string, "task_type": string,
            "target": nullable(string), "parameters": ["type": "object"], "priority": integer, "status": statuses,
            "strategy": ["type": "string", "enum": ["auto", "parallel", "sequential", "plan"]],
            "prediction": nullable(["type": "object"]), "assigned_agents": strings,
            "agent_results": ["type": "object", "additionalProperties": AgentResult.schema], "result": anything,
            "output": nullable(string), "summary": nullable(string), "quality_score": share, "success_rate": share,
            "duration_seconds": nullable(number), "execution_metadata": execution,
            "error_details": nullable(
                object(["reason": string, "message": nullable(string), "subject": nullable(string)])),
            "created_at": time, "updated_at": time, "started_at": nullable(time), "completed_at": nullable(time),
            "created_by": string, "revision": integer,
        ], required: ["task_id", "title", "task_type", "status", "created_at", "revision"])

    private static let execution = object([
        "node": nullable(string), "attempt": integer, "epoch": nullable(integer), "providers": strings,
        "tokens": object(["input": integer, "output": integer]), "cost_usd": number, "model_version": nullable(string),
    ])

    private static let taskList = object(
        [
            "tasks": list(of: reference("Task")), "total": integer, "next_cursor": nullable(string),
            "partial": ["type": "boolean", "description": "PostgreSQL cannot be reached: only live tasks are listed."],
        ], required: ["tasks", "total", "next_cursor", "partial"])

    private static let step = object([
        "id": string, "agent": string, "status": string, "attempt": nullable(integer), "started_at": nullable(time),
        "completed_at": nullable(time),
    ])

    private static let progress = object([
        "task_id": string, "status": statuses, "progress": ["type": "integer", "minimum": 0, "maximum": 100],
        "current_step": nullable(string), "steps": list(of: reference("Step")), "elapsed_seconds": nullable(number),
        "estimated_remaining_seconds": nullable(number), "node": nullable(string), "attempt": integer,
    ])

    private static let problem = object(
        [
            "type": string, "title": string, "status": integer, "detail": string, "instance": string,
            "request_id": string, "errors": list(of: object(["field": string, "message": string])),
        ], required: ["type", "title", "status", "request_id"])

    private static let health = object([
        "status": ["type": "string", "enum": ["ok", "degraded", "down"]], "node": nullable(string), "version": string,
        "time": time, "draining": boolean,
        "components": list(of: object(["name": string, "status": string, "detail": nullable(string)])),
    ])

    private static let cluster = object([
        "cluster_id": nullable(string), "generation": integer, "machine_version": integer, "term": integer,
        "leader": nullable(string), "node": string, "role": string, "ready": boolean,
        "unready_reason": nullable(string), "has_quorum": boolean, "failure_tolerance": integer,
        "seen_by": [
            "type": "string",
            "description": "Whose view of the members this is: the leader's, or, without one, this node's own.",
        ],
        "seen_seconds_ago": number, "members": list(of: member), "total": integer, "next_cursor": nullable(string),
        "changing": ["type": "array", "items": integer, "description": "Members that are not yet as they shall be."],
        "waits_for": nullable(string), "alarms": list(of: object(["alarm": string, "member": string])),
        "indices": ["type": "object"], "state_hash": string, "tasks": ["type": "object"],
    ])

    private static let newMember = object(
        [
            "member_id": ["type": "integer", "minimum": 1], "peer_address": string, "name": string,
            "role": ["type": "string", "enum": ["voter", "gateway"], "default": "voter"],
        ], required: ["member_id", "peer_address"], isClosed: true)

    private static let replacement = object(
        [
            "member_id": ["type": "integer", "minimum": 1], "peer_address": string, "name": string,
            "incarnation": [
                "type": "string", "description": "Of the same member's new data folder, as `amas init` prints it.",
            ],
        ], isClosed: true)

    private static let memberChange = object([
        "member_ids": list(of: integer), "done": boolean, "waits_for": nullable(string),
        "voters": ["type": "integer", "description": "How many vote once the change is done."],
        "tolerance_before": [
            "type": "integer", "description": "How many voters may fail now, beside those that are down.",
        ],
        "tolerance": ["type": "integer", "description": "How many voters may fail once the change is done."],
    ])

    private static let member = object([
        "member_id": integer, "name": string,
        "role": ["type": "string", "enum": .array(MemberStatus.Role.allCases.map { .string("\($0)") })],
        "leader": boolean, "self": boolean,
        "status": ["type": "string", "enum": .array(MemberStatus.Condition.allCases.map { .string("\($0)") })],
        "reachable": boolean,
        "waits_for": [
            "type": ["string", "null"], "description": "What it still lacks to take part as it shall.",
        ],
        "availability": [
            "type": ["string", "null"], "description": "Whether it is given tasks, as the replicated state says.",
        ],
        "peer_address": nullable(string), "http_address": nullable(string), "version": nullable(string),
        "machine_version_max": nullable(integer), "boot_id": nullable(integer), "slots": nullable(integer),
        "used_slots": nullable(integer), "match_index": nullable(integer), "lag_entries": nullable(integer),
        "last_contact_seconds": nullable(number), "round_trip_seconds": nullable(number),
    ])
}
