import LoopbackClient
import Testing

@testable import API

@Suite("Access")
struct AccessTests {
    static let open = ["/", "/livez", "/readyz", "/startupz", "/api/v1/health", "/api/v1/ready"]

    @Test("exactly the routes that the contract calls open are open")
    func openRoutes() async throws {
        try await TestNode.run { node async throws in
            let document = try await node.get("/openapi.json")
            guard case .object(let paths)? = document.json["paths"]?.value else { throw Problem(.internal) }
            #expect(paths.count > 15)
            for path in paths {
                guard case .object(let operations) = path.value.value else { continue }
                for operation in operations {
                    let concrete = path.name.replacing("{task_id}", with: "x").replacing("{code}", with: "x")
                    let reply = try await node.request(
                        operation.name.uppercased(), concrete, body: operation.name == "post" ? "{}" : nil, key: nil)
                    if Self.open.contains(path.name) {
                        #expect(reply.status == 200, "\(path.name)")
                    } else {
                        #expect(reply.status == 401 && reply.problem == "unauthenticated", "\(path.name)")
                        #expect(reply.headers["www-authenticate"] == "Bearer")
                    }
                }
            }
        }
    }

    @Test("only the very key opens")
    func keys() async throws {
        try await TestNode.run { node async throws in
            for bad in ["x", TestNode.key + "x", String(TestNode.key.dropLast()), TestNode.key.uppercased()] {
                #expect(try await node.request("GET", "/metrics", key: bad).status == 401)
            }
            for header in ["Basic \(TestNode.key)", TestNode.key, "Bearer", "Bearer  "] {
                #expect(try await node.request("GET", "/metrics", ["Authorization": header], key: nil).status == 401)
            }
            #expect(
                try await node.request("GET", "/metrics", ["Authorization": "bearer \(TestNode.key)"], key: nil).status
                    == 200)
        }
    }

    @Test("a caller without the permission is told which one is missing")
    func permissions() async throws {
        struct ReadOnly: AccessPolicy {
            func principal(authorization: String?) -> Principal? { Principal(name: "reader") }
            func allows(_ principal: Principal, _ permission: Permission) -> Bool { permission == .readTasks }
        }
        try await TestNode.run(access: ReadOnly()) { node async throws in
            #expect(try await node.get("/api/v1/tasks").status == 200)
            let refused = try await node.post("/api/v1/tasks", "{}")
            #expect(refused.status == 403 && refused.problem == "forbidden")
            #expect(refused.json["detail"]?.stringValue?.contains("task:create") == true)
        }
    }
}
