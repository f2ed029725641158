import ClusterState
import LoopbackClient
import RaftServer
import Synchronization
import Testing

@testable import API

/// Each rule of "Rules that hold on every route".
@Suite("Rules that hold on every route")
struct RuleTests {
    private let task = #"{"title":"look at this","task_type":"code_analysis","target":"."}"#

    @Test("errors are problem documents with type, title, status, detail, instance and request id")
    func problems() async throws {
        try await TestNode.run { node async throws in
            let reply = try await node.get("/api/v1/tasks/task_unknown")
            #expect(reply.status == 404)
            #expect(reply.headers["content-type"] == "application/problem+json")
            #expect(reply.problem == "not_found")
            #expect(reply.json["status"]?.integer == 404)
            #expect(reply.json["instance"]?.stringValue == "/api/v1/tasks/task_unknown")
            #expect(reply.json["request_id"]?.stringValue == reply.headers["x-request-id"])
            #expect(reply.json["title"]?.stringValue != nil && reply.json["detail"]?.stringValue != nil)
            let nowhere = try await node.get("/api/v2/tasks")
            #expect(nowhere.status == 404 && nowhere.problem == "not_found")
            let kind = try await node.get(reply.json["type"]?.stringValue ?? "")
            #expect(kind.status == 200 && kind.json["status"]?.integer == 404)
        }
    }

    @Test("a good request id is echoed, a bad one is replaced")
    func requestIDs() async throws {
        try await TestNode.run { node async throws in
            #expect(
                try await node.get("/livez", ["X-Request-Id": "my-Request_1.2"]).headers["x-request-id"]
                    == "my-Request_1.2")
            let long = String(repeating: "a", count: 129)
            for bad in ["", "two words", "semi;colon", long] {
                let given = try await node.get("/livez", ["X-Request-Id": bad]).headers["x-request-id"]
                #expect(given?.count == 32 && given != bad)
            }
        }
    }

    @Test("a trace goes on into the replicated task")
    func traces() async throws {
        try await TestNode.run { node async throws in
            let id = "4bf92f3577b34da6a3ce929d0e0e4736"
            let reply = try await node.post("/api/v1/tasks", task, ["traceparent": "00-\(id)-00f067aa0ba902b7-01"])
            let key = try #require(TaskKey(tenant: "default", id: reply.json["task_id"]?.stringValue ?? ""))
            let trace = try #require(node.cluster.state.task(key)?.spec.trace)
            #expect(trace.traceIDHigh == 0x4bf9_2f35_77b3_4da6 && trace.traceIDLow == 0xa3ce_929d_0e0e_4736)
            #expect(trace.flags == 1 && trace.spanID != 0x00f0_67aa_0ba9_02b7)
        }
    }

    @Test(
        "a keyed request whose answer was lost learns it without its client's help; one without a key says that it does not know"
    )
    func lostAnswers() async throws {
        try await TestNode.run { node async throws in
            node.cluster.behaviour.withLock { $0.lostAnswers = 1 }
            let keyed = try await node.post("/api/v1/tasks", task, ["Idempotency-Key": "k"])
            #expect(keyed.status == 201)
            #expect(node.cluster.state.counts.total == 1)
            node.cluster.behaviour.withLock { $0.lostAnswers = 1 }
            let unkeyed = try await node.post("/api/v1/tasks", task)
            #expect(unkeyed.status == 503 && unkeyed.problem == "outcome_unknown")
            #expect(node.cluster.state.counts.total == 2)
        }
    }

    @Test("the same idempotency key gives the first task again, another body is refused, another path is another key")
    func idempotency() async throws {
        try await TestNode.run { node async throws in
            let first = try await node.post("/api/v1/tasks", task, ["Idempotency-Key": "k1"])
            let again = try await node.post("/api/v1/tasks", task, ["Idempotency-Key": "\"k1\""])
            #expect(first.status == 201 && again.status == 201)
            #expect(first.json["task_id"]?.stringValue == again.json["task_id"]?.stringValue)
            #expect(first.headers["idempotency-replayed"] == nil && again.headers["idempotency-replayed"] == "true")
            let other = try await node.post(
                "/api/v1/tasks", task.replacing("this", with: "that"), ["Idempotency-Key": "k1"])
            #expect(other.status == 422 && other.problem == "idempotency_conflict")
            let id = first.json["task_id"]?.stringValue ?? ""
            #expect(try await node.post("/api/v1/tasks/\(id)/cancel", "{}", ["Idempotency-Key": "k1"]).status == 202)
            #expect(node.cluster.state.counts.total == 1)
            for bad in ["", "a b", String(repeating: "k", count: 256)] {
                let refused = try await node.post("/api/v1/tasks", task, ["Idempotency-Key": bad])
                #expect(refused.status == 400 && refused.fields == ["Idempotency-Key"])
            }
        }
    }

    @Test("the entity tag is the revision, and a client that has it gets 304")
    func entityTags() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1")
            let first = try await node.get("/api/v1/tasks/task_1")
            let tag = try #require(first.headers["etag"])
            #expect(tag == "\"\(first.json["revision"]?.integer ?? 0)\"")
            for condition in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let same = try await node.get("/api/v1/tasks/task_1", ["If-None-Match": condition])
                #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == tag)
            }
            node.cluster.start("task_1")
            let changed = try await node.get("/api/v1/tasks/task_1", ["If-None-Match": tag])
            #expect(changed.status == 200 && changed.headers["etag"] != tag)
        }
    }

    @Test("reads are as fresh as asked for: strong, at least X-Amas-Index, or stale")
    func consistency() async throws {
        try await TestNode.run { node async throws in
            let created = try await node.post("/api/v1/tasks", task)
            let seen = try #require(created.headers["x-amas-index"])
            let index = try #require(UInt64(seen.dropFirst(2)))
            #expect(seen == "1.\(node.cluster.state.index)")
            let path = created.headers["location"] ?? ""
            #expect(try await node.get(path, ["X-Amas-Index": seen]).status == 200)
            let ahead = ["X-Amas-Index": "1.\(index + 100)"]
            #expect(try await node.get(path, ahead).fields == ["X-Amas-Index"], "this cluster never gave it")
            #expect(try await node.get("\(path)?consistency=stale", ahead).status == 200)
            node.cluster.behaviour.withLock { $0.readError = .timedOut }
            let behind = try await node.get(path, ahead)
            #expect(behind.status == 503 && behind.problem == "read_timeout" && behind.headers["retry-after"] != nil)
            node.cluster.behaviour.withLock { $0.readError = .noQuorum }
            let strong = try await node.get("\(path)?consistency=strong")
            #expect(strong.status == 503 && strong.problem == "no_quorum")
            #expect(try await node.get("\(path)?consistency=session").status == 200)
            #expect(try await node.get("\(path)?consistency=maybe").fields == ["consistency"])
            for wrong in ["-1", "\(index)", "1.", "1.2.3", "65536.1", "1.\(UInt64(1) << 48)"] {
                #expect(try await node.get(path, ["X-Amas-Index": wrong]).fields == ["X-Amas-Index"], "\(wrong)")
            }
        }
    }

    @Test("an index seen before a backup was restored asks for nothing, however high it was")
    func otherGeneration() async throws {
        try await TestNode.run { node async throws in
            let path = try await node.post("/api/v1/tasks", task).headers["location"] ?? ""
            #expect(try await node.get(path, ["X-Amas-Index": "0.999999999"]).status == 200)
            #expect(try await node.get(path, ["X-Amas-Index": "2.1"]).fields == ["X-Amas-Index"])
            node.cluster.behaviour.withLock { $0.readError = .timedOut }
            #expect(try await node.get(path, ["X-Amas-Index": "2.1"]).status == 503, "this node is behind")
        }
    }

    @Test("404 is said only after a strong read; without a quorum it is 503")
    func strongAbsence() async throws {
        try await TestNode.run { node async throws in
            #expect(try await node.get("/api/v1/tasks/task_none").status == 404)
            node.cluster.behaviour.withLock { $0.readError = .noQuorum }
            #expect(try await node.get("/api/v1/tasks/task_none").problem == "no_quorum")
            #expect(try await node.get("/api/v1/tasks/task_none?consistency=stale").status == 404)
        }
    }

    @Test("Prefer: wait blocks until the task has ended, or the time has passed")
    func waiting() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1")
            node.cluster.start("task_1")
            async let waiting = node.get("/api/v1/tasks/task_1", ["Prefer": "respond-async, wait=30"])
            node.cluster.complete("task_1")
            let reply = try await waiting
            #expect(reply.json["status"]?.stringValue == "completed")
            let bad = try await node.get("/api/v1/tasks/task_1", ["Prefer": "wait=soon"])
            #expect(bad.status == 400 && bad.fields == ["Prefer"])
            let created = try await node.post("/api/v1/tasks", task, ["Prefer": "wait=0"])
            #expect(created.status == 201 && created.headers["preference-applied"] == "wait=0")
        }
    }

    @Test("a draining node lets those who wait go, is not ready, and closes its connections")
    func draining() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1")
            #expect(try await node.get("/readyz").status == 200)
            let patient = try await RawConnection.open(port: node.port)
            async let waiting = patient.request("GET", "/api/v1/tasks/task_1", ["Prefer": "wait=30"])
            // The wait has begun once the server counts the request, beside the one that asks.
            try await node.until("http_server_active_requests 2")
            await node.server.drain()
            #expect(try await waiting.json["status"]?.stringValue == "assigned")
            for path in ["/readyz", "/api/v1/ready"] {
                let ready = try await node.get(path)
                #expect(ready.status == 503 && ready.problem == "not_ready" && ready.headers["connection"] == "close")
            }
            #expect(try await node.get("/livez").status == 200)
        }
    }

    @Test("lists are paged by offset and by cursor, with total, next_cursor and Link")
    func paging() async throws {
        try await TestNode.run { node async throws in
            for number in 1...25 { node.cluster.submit("task_\(number)") }
            let first = try await node.get("/api/v1/tasks?limit=10")
            #expect(first.json["total"]?.integer == 25 && first.json["partial"]?.bool == false)
            var ids = first.json["tasks"]?.array?.compactMap { $0["task_id"]?.stringValue } ?? []
            var next = first.headers["link"]
            #expect(first.json["next_cursor"]?.stringValue != nil)
            while let link = next {
                let path = String(link.dropFirst().prefix { $0 != ">" })
                let page = try await node.get(path)
                ids += page.json["tasks"]?.array?.compactMap { $0["task_id"]?.stringValue } ?? []
                next = page.headers["link"]
            }
            #expect(ids == (1...25).reversed().map { "task_\($0)" })
            let middle = try await node.get("/api/v1/tasks?limit=3&offset=4")
            #expect(middle.json["tasks"]?.array?.first?["task_id"]?.stringValue == "task_21")
            for bad in [
                "limit=0", "limit=1001", "offset=-1", "cursor=x", "limit=1&limit=2", "colour=red", "sort=title",
            ] {
                let reply = try await node.get("/api/v1/tasks?\(bad)")
                #expect(reply.status == 400 && reply.fields.count == 1, "\(bad)")
            }
            let both = try await node.get(
                "/api/v1/tasks?offset=1&cursor=\(first.json["next_cursor"]?.stringValue ?? "")")
            #expect(both.fields == ["cursor"])
        }
    }

    @Test("bodies, heads, depth, strings and parameters have limits, which the answer names")
    func sizes() async throws {
        try await TestNode.run { node async throws in
            let filler = String(repeating: "a", count: 1 << 20)
            let large = try await node.post("/api/v1/tasks", #"{"title":"\#(filler)"}"#)
            #expect(large.status == 413 && large.problem == "too_large")
            #expect(large.json["detail"]?.stringValue?.contains("1048576") == true)
            let head = try await node.get("/livez", ["X-Filler": String(repeating: "a", count: 17 << 10)])
            #expect(head.status == 431 && head.json["detail"]?.stringValue?.contains("16384") == true)
            let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
            let nested = try await node.post("/api/v1/tasks", #"{"parameters":\#(deep)}"#)
            #expect(nested.status == 400 && nested.json["detail"]?.stringValue?.contains("64") == true)
            let long = try await node.post("/api/v1/tasks", #"{"title":"\#(filler.prefix(65_537))"}"#)
            #expect(long.status == 400 && long.json["detail"]?.stringValue?.contains("65536") == true)
            let parts = (0..<5).map { "\"p\($0)\":\"\(filler.prefix(60_000))\"" }.joined(separator: ",")
            let wide = try await node.post(
                "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","parameters":{\#(parts)}}"#)
            #expect(wide.status == 413 && wide.fields.contains("parameters"))
            #expect(wide.text.contains("262144"))
            #expect(node.cluster.state.counts.total == 0)
        }
    }

    /// What begins a request that creates a task, with more header lines.
    private static func postHead(_ lines: String) -> String {
        let fixed = "Host: x\r\nAuthorization: Bearer \(TestNode.key)\r\nContent-Type: application/json"
        return "POST /api/v1/tasks HTTP/1.1\r\n\(fixed)\r\n\(lines)\r\n\r\n"
    }

    @Test("a body without a length is measured as it comes")
    func chunked() async throws {
        try await TestNode.run { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            let head =
                Self.postHead("Transfer-Encoding: chunked")
            try await connection.send(head)
            for part in [task.prefix(20), task.dropFirst(20)] {
                try await connection.send("\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n")
            }
            try await connection.send("0\r\n\r\n")
            #expect(await connection.response()?.status == 201)
            try await connection.send(head)
            let part = String(repeating: " ", count: 1 << 16)
            for _ in 0..<17 { try await connection.send("10000\r\n\(part)\r\n") }
            #expect(await connection.response()?.status == 413)
        }
    }

    @Test("a method that a path does not have is 405 with Allow; HEAD and OPTIONS are answered")
    func methods() async throws {
        try await TestNode.run { node async throws in
            let wrong = try await node.request("DELETE", "/api/v1/tasks")
            #expect(wrong.status == 405 && wrong.headers["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(wrong.problem == "method_not_allowed")
            let options = try await node.request("OPTIONS", "/api/v1/tasks", key: nil)
            #expect(options.status == 204 && options.headers["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(options.headers["access-control-allow-methods"] == nil)
            let get = try await node.get("/livez")
            let head = try await node.request("HEAD", "/livez")
            #expect(
                head.status == 200 && head.body.isEmpty
                    && head.headers["content-length"] == get.headers["content-length"])
        }
    }

    @Test("web pages of other origins may call only if they are on the list")
    func origins() async throws {
        try await TestNode.run(configure: { $0.allowedOrigins = ["https://ops.example"] }) { node async throws in
            let good = try await node.request("OPTIONS", "/api/v1/tasks", ["Origin": "https://ops.example"], key: nil)
            #expect(good.headers["access-control-allow-origin"] == "https://ops.example")
            #expect(good.headers["access-control-allow-methods"]?.contains("POST") == true)
            let bad = try await node.get("/livez", ["Origin": "https://evil.example"])
            #expect(bad.headers["access-control-allow-origin"] == nil && bad.headers["vary"] == "Origin")
        }
    }

    @Test("a body that is not JSON by its type is 415, one by its bytes is 400")
    func media() async throws {
        try await TestNode.run { node async throws in
            let form = try await node.post(
                "/api/v1/tasks", "a=b", ["Content-Type": "application/x-www-form-urlencoded"])
            #expect(form.status == 415 && form.problem == "unsupported_media_type")
            let other = try await node.post(
                "/api/v1/tasks", "{}", ["Content-Type": "application/json; charset=utf-16"])
            #expect(other.status == 415)
            let packed = try await node.post("/api/v1/tasks", "{}", ["Content-Encoding": "gzip"])
            #expect(packed.status == 415 && packed.text.contains("Content-Encoding"))
            #expect(
                try await node.post("/api/v1/tasks", task, ["Content-Type": "application/json; charset=utf-8"]).status
                    == 201)
            for bad in ["", "{", "{\"title\":\"x\",}", "nope"] {
                #expect(try await node.post("/api/v1/tasks", bad).status == 400)
            }
            #expect(try await node.post("/api/v1/tasks", "[]").status == 422)
        }
    }

    @Test("what is no HTTP is answered with a problem and a closed connection")
    func noHTTP() async throws {
        try await TestNode.run { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            try await connection.send("HELLO\r\n\r\n")
            let reply = try #require(await connection.response())
            #expect(reply.status == 400 && reply.problem == "bad_request")
            while await connection.readMore() {}
        }
    }

    @Test("a body that stops coming is answered with 408")
    func slowBody() async throws {
        try await TestNode.run(configure: { $0.limits.requestSeconds = 1 }) { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            try await connection.send(
                Self.postHead("Content-Length: 100") + "{"
            )
            let reply = try #require(await connection.response())
            #expect(reply.status == 408 && reply.problem == "request_timeout")
            while await connection.readMore() {}
        }
    }

    @Test("a client that asks to go on is told so before its body is read")
    func expectations() async throws {
        try await TestNode.run { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            try await connection.send(
                Self.postHead("Expect: 100-continue\r\nContent-Length: \(task.utf8.count)")
            )
            let wanted = "HTTP/1.1 100 Continue\r\n\r\n"
            let interim = try #require(await connection.read(wanted.utf8.count))
            #expect(String(decoding: interim, as: UTF8.self) == wanted)
            try await connection.send(task)
            #expect(await connection.response()?.status == 201)
        }
    }

    @Test("one connection takes requests one after the other, and several at once")
    func keepAlive() async throws {
        try await TestNode.run { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            for _ in 0..<3 { #expect(try await connection.request("GET", "/livez").status == 200) }
            try await connection.send(String(repeating: "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", count: 5))
            for _ in 0..<5 { #expect(await connection.response()?.status == 200) }
        }
    }

    @Test("beyond the requests in flight a node answers 503 with Retry-After, but probes are answered")
    func overload() async throws {
        try await TestNode.run(configure: { $0.limits.requestsInFlight = 0 }) { node async throws in
            let reply = try await node.get("/api/v1/tasks")
            #expect(reply.status == 503 && reply.problem == "overloaded" && reply.headers["retry-after"] == "1")
            #expect(try await node.get("/readyz").status == 200)
            #expect(try await node.get("/metrics").status == 200)
        }
    }

    @Test(
        "what the cluster refuses has one status each",
        arguments: [
            (RequestError.noQuorum, 503, "no_quorum"), (.timedOut, 503, "outcome_unknown"),
            (.overloaded, 503, "overloaded"),
            (.tooLarge(limitBytes: 7), 413, "too_large"), (.stopped(reason: "x"), 503, "outcome_unknown"),
        ])
    func clusterErrors(_ error: RequestError, _ status: Int, _ problem: String) async throws {
        try await TestNode.run { node async throws in
            node.cluster.behaviour.withLock { $0.proposeError = error }
            let reply = try await node.post("/api/v1/tasks", task)
            #expect(reply.status == status && reply.problem == problem)
            #expect((reply.headers["retry-after"] != nil) == (status == 503))
        }
    }

    @Test("a full budget is 503 with Retry-After, decided before the task is accepted")
    func budget() async throws {
        var settings = Settings()
        settings.admissionLimitTasks = 1
        try await TestNode.run(cluster: TestCluster(settings: settings)) { node async throws in
            #expect(try await node.post("/api/v1/tasks", task).status == 201)
            let refused = try await node.post("/api/v1/tasks", task)
            #expect(refused.status == 503 && refused.problem == "overloaded" && refused.headers["retry-after"] == "2")
            #expect(node.cluster.state.counts.total == 1)
            let metrics = try await node.get("/metrics").text
            #expect(metrics.contains(#"amas_admission_rejections_total{reason="budget"} 1"#))
        }
    }

    @Test("the node's name is sent only if the operator wants it")
    func nodeHeader() async throws {
        try await TestNode.run { node async throws in
            #expect(try await node.get("/livez").headers["x-amas-node"] == nil)
        }
        try await TestNode.run(configure: { $0.showsNode = true }) { node async throws in
            #expect(try await node.get("/livez").headers["x-amas-node"] == "n1")
        }
    }
}

extension String {
    func replacing(_ text: String, with other: String) -> String {
        var result = self
        while let range = result.firstRange(of: text) { result.replaceSubrange(range, with: other) }
        return result
    }
}
