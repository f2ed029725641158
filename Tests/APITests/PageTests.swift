import ClusterState
import LoopbackClient
import Synchronization
import Testing

@testable import API

@Suite("Pages")
struct PageTests {
    @Test("probes and health tell the node's state")
    func probes() async throws {
        try await TestNode.run { node async throws in
            for path in ["/livez", "/startupz", "/readyz", "/api/v1/ready"] {
                #expect(try await node.get(path).status == 200)
            }
            node.cluster.behaviour.withLock { $0.unreadyReason = "no word from a leader" }
            for path in ["/readyz", "/api/v1/ready"] {
                let reply = try await node.get(path)
                #expect(reply.status == 503 && reply.json["detail"]?.stringValue == "no word from a leader")
            }
            #expect(try await node.get("/livez").status == 200)
            let health = try await node.get("/api/v1/health")
            #expect(health.status == 200 && health.json["status"]?.stringValue == "degraded")
            #expect(health.json["components"]?.array?.first?["name"]?.stringValue == "cluster")
        }
    }

    @Test("the cluster page names the leader as it names the members")
    func cluster() async throws {
        try await TestNode.run { node async throws in
            let reply = try await node.get("/api/v1/cluster")
            #expect(reply.json["leader"]?.stringValue == "n1" && reply.json["cluster_id"]?.stringValue == "test")
            #expect(reply.json["members"]?.array?.map { $0["name"]?.stringValue } == ["n1"])
            #expect(reply.json["has_quorum"]?.bool == true && reply.json["failure_tolerance"]?.integer == 0)
            #expect(reply.json["state_hash"]?.stringValue == "\(node.cluster.state.hash)")
        }
    }

    @Test("metrics are Prometheus text, or OpenMetrics for those who ask, and count requests by route")
    func metrics() async throws {
        try await TestNode.run { node async throws in
            _ = try await node.get("/api/v1/tasks/task_1")
            for path in ["/metrics", "/api/v1/system/metrics"] {
                let reply = try await node.get(path)
                #expect(reply.headers["content-type"]?.hasPrefix("text/plain") == true)
                #expect(
                    reply.text.contains(
                        #"http_server_request_duration_seconds_count{http_request_method="GET",http_route="/api/v1/tasks/{task_id}",http_response_status_code="404"} 1"#
                    ))
            }
            let open = try await node.get("/metrics", ["Accept": "application/openmetrics-text; version=1.0.0"])
            #expect(open.headers["content-type"]?.hasPrefix("application/openmetrics-text") == true)
            #expect(open.text.hasSuffix("# EOF\n"))
        }
    }

    @Test(
        "the OpenAPI document has exactly the routes that are served, each with its permission, and no broken reference"
    )
    func openAPI() async throws {
        try await TestNode.run { node async throws in
            let reply = try await node.get("/openapi.json")
            #expect(
                reply.json["openapi"]?.stringValue == "3.1.0" && reply.json["info"]?["version"]?.stringValue == "1.2.3")
            guard case .object(let paths)? = reply.json["paths"]?.value,
                case .object(let schemas)? = reply.json["components"]?["schemas"]?.value
            else { return }
            var identifiers: [String] = []
            for path in paths {
                guard case .object(let operations) = path.value.value else { continue }
                for operation in operations {
                    identifiers.append(operation.value["operationId"]?.stringValue ?? "")
                    let isOpen = AccessTests.open.contains(path.name)
                    #expect((operation.value["x-permission"] == nil) == isOpen, "\(path.name)")
                    let served = try await node.request(
                        operation.name.uppercased(),
                        path.name.replacing("{task_id}", with: "x").replacing("{code}", with: "x"))
                    #expect(served.status != 405, "\(path.name)")
                }
            }
            #expect(Set(identifiers).count == identifiers.count)
            var rest = reply.text[...]
            while let range = rest.firstRange(of: "#/components/schemas/") {
                let name = String(rest[range.upperBound...].prefix { $0 != "\"" })
                #expect(schemas.contains { $0.name == name }, "\(name)")
                rest = rest[range.upperBound...]
            }
        }
    }

    @Test("a person with a browser gets a page that loads nothing from elsewhere")
    func frontPage() async throws {
        try await TestNode.run { node async throws in
            let page = try await node.request("GET", "/", key: nil)
            #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(page.text.contains("1.2.3") && page.text.contains("/api/v1/health"))
        }
    }

    @Test("a port that is taken fails the start, and the server can still be stopped")
    func takenPort() async throws {
        try await TestNode.run { node async throws in
            await #expect(throws: (any Error).self) {
                try await TestNode.run(configure: { $0.port = node.port }) { _ async throws in }
            }
        }
    }
}
