import Foundation
import Glibc
import Testing

@Suite("Metrics of a node")
struct MetricsTests {
    @Test("a scrape has the figures of Raft, tasks, HTTP, WebSockets, PostgreSQL and the process, and says what runs")
    func scrape() async throws {
        // A database that is not there: its figures are, and the node is ready without it.
        let nodes = try await TestNodes(1, settings: "postgres: {url: \"postgresql://u@127.0.0.1:1/db\"}")
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let submitted = try await nodes.client("task", "submit", "--type", "code_analysis", "--target", ".", "--wait")
        #expect(submitted.code == 0, "\(submitted.error)")
        let text = try await nodes.get(1, "/metrics").body
        let families = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) })
        for family in Self.families { #expect(families.contains(family), "\(family)") }
        #expect(text.contains("amas_build_info{version=\"0.1.0\"} 1"))
        #expect(!text.contains("unknown"))
        #expect(text.contains("amas_task_executions_total{status=\"completed\"} 1\n"))
        #expect(text.contains("amas_task_duration_seconds_count{status=\"completed\"} 1\n"))
        #expect(text.contains("amas_raft_is_leader 1\n"))
        #expect(text.contains("amas_cluster_members{state=\"available\",role=\"voter\"} 1\n"))
        #expect(text.contains("amas_raft_messages_refused_total 0\n"))
        #expect(text.contains("amas_cluster_members{state=\"unreachable\",role=\"voter\"} 0\n"))
        #expect(text.contains("amas_raft_elections_total{result=\"won\"} 1\n"))
        #expect(text.contains("amas_raft_leader_changes_total{reason=\"first\"} 1\n"))
        #expect(text.contains("amas_raft_snapshots_total{op=\"install\",result=\"failed\"} 0\n"))
        #expect(text.contains("amas_task_assignments_total{result=\"assigned\"} 1\n"))
        #expect(text.contains("amas_forwarded_requests_total{result=\"ok\"} 0\n"))
        #expect(text.split(separator: "\n").count { $0.hasPrefix("amas_fsm_hash_info{") } == 1)
        let oldest = text.split(separator: "\n").first { $0.hasPrefix("amas_outbox_oldest_age_seconds ") }
        #expect(oldest.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 0, "nothing takes what is in the outbox")
        #expect(text.contains("amas_db_connection_changes_total{change=\"refused\"}"))
    }

    @Test("while a node reads its log again it shows no part of it, and a task that ended before is not counted again")
    func restart() async throws {
        let nodes = try await TestNodes(1)
        let first = try nodes.serve(1)
        try await nodes.waitUntilReady([1: first])
        let submitted = try await nodes.client("task", "submit", "--type", "code_analysis", "--target", ".", "--wait")
        #expect(submitted.code == 0, "\(submitted.error)")
        first.signal(SIGKILL)
        _ = await first.wait()
        let second = try nodes.serve(1)
        var list: (status: Int, body: String)
        repeat {
            // Refused, or held until the node has all of it.
            list = try await nodes.get(1, "/api/v1/tasks?consistency=stale")
            #expect(list.status != 200 || list.body.contains("\"total\":1,"), "\(list)")
        } while list.status != 200
        try await nodes.waitUntilReady([1: second])
        let text = try await nodes.get(1, "/metrics").body
        #expect(text.contains("amas_tasks{status=\"completed\"} 1\n"))
        #expect(text.contains("amas_task_executions_total{status=\"completed\"} 0\n"))
        #expect(text.contains("amas_task_assignments_total{result=\"assigned\"} 0\n"))
    }

    @Test("metrics need the key")
    func access() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let curl = try BinaryProcess(
            ["-s", "-o", "/dev/null", "-w", "%{http_code}", nodes.url(1) + "/metrics"], executable: "/usr/bin/curl")
        _ = await curl.wait()
        #expect(curl.output == "401")
    }

    private static let families = [
        "amas_raft_has_leader", "amas_raft_is_leader", "amas_raft_term", "amas_raft_leader_changes_total",
        "amas_raft_commit_index", "amas_raft_applied_index", "amas_raft_proposals_pending",
        "amas_raft_commit_duration_seconds",
        "amas_raft_read_index_duration_seconds",
        "amas_raft_apply_duration_seconds",
        "amas_raft_wal_fsync_duration_seconds", "amas_raft_leader_last_contact_seconds",
        "amas_raft_replication_lag_entries",
        "amas_raft_peer_rtt_seconds", "amas_raft_messages_dropped_total", "amas_raft_messages_refused_total",
        "amas_raft_snapshot_index", "amas_cluster_members", "amas_cluster_failure_tolerance", "amas_tasks",
        "amas_task_queue_depth", "amas_task_starts_total", "amas_task_executions_total", "amas_task_duration_seconds",
        "amas_task_fenced_commits_total", "amas_outbox_pending", "amas_outbox_bytes", "amas_db_query_duration_seconds",
        "amas_db_query_failures_total", "amas_db_connections", "amas_db_connections_busy", "amas_db_requests_pending",
        "amas_db_connection_changes_total", "http_server_active_requests", "http_server_request_duration_seconds",
        "amas_admission_rejections_total", "amas_idempotency_replays_total", "amas_websocket_connections_active",
        "amas_ws_subscriptions", "amas_ws_resume_total", "amas_ws_disconnects_total", "amas_ws_events_sent_total",
        "amas_ws_send_queue_bytes", "amas_ws_event_lag_seconds", "amas_drain_state", "amas_log_messages_total",
        "amas_raft_elections_total", "amas_held_requests", "amas_hold_duration_seconds",
        "amas_forwarded_requests_total",
        "amas_outbox_oldest_age_seconds", "amas_raft_snapshots_total", "amas_task_assignments_total",
        "amas_fsm_hash_info",
        "amas_build_info", "process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total",
    ]
}
