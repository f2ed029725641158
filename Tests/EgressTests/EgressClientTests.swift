import Egress
import LoopbackServer
import Testing

@Suite("Requests over HTTP", .timeLimit(.minutes(1)))
struct EgressClientTests {
    @Test("method, path, headers and body arrive as they were given, and nothing of libcurl's own taste is added")
    func arrives() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            let headers = request.headers.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: ",")
            seen.add("\(request.method) \(request.target) \(headers) \(request.text)")
            try connection.respond(201, headers: ["X-Answer: yes"], "hello")
            return .keep
        }
        defer { server.stop() }
        let client = try client()
        for method in HTTPMethod.allCases {
            let hasBody = method != .get && method != .head
            let reply = try await client.collect(
                request(
                    method, server, "/a?b=c",
                    headers: [
                        HTTPHeader("traceparent", "00-1"), HTTPHeader("X-Empty", ""), HTTPHeader("Accept", "x/y"),
                    ],
                    body: hasBody ? "data" : ""))
            #expect(reply.status == 201)
            #expect(reply.head.headers["x-answer"] == "yes")
            #expect(reply.text == (method == .head ? "" : "hello"))
            let length = hasBody ? "content-length=4," : ""
            let expected = "accept=x/y,\(length)host=127.0.0.1:\(server.port),traceparent=00-1,user-agent=amas,x-empty="
            #expect(seen.events.last == "\(method.rawValue) /a?b=c \(expected) \(hasBody ? "data" : "")")
        }
        await client.shutdown()
    }

    @Test("an empty POST has a length of zero, and a large one is sent without asking for a 100-continue")
    func bodies() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            seen.add("\(request["content-length"] ?? "-") \(request["expect"] ?? "-") \(request.body.count)")
            try connection.respond()
            return .keep
        }
        defer { server.stop() }
        let client = try client()
        _ = try await client.collect(request(.post, server))
        _ = try await client.collect(request(.post, server, body: String(repeating: "x", count: 3 << 20)))
        #expect(seen.events == ["0 - 0", "\(3 << 20) - \(3 << 20)"])
        await client.shutdown()
    }

    @Test("a connection is used again")
    func reuse() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(200, "x")
            return .keep
        }
        defer { server.stop() }
        let client = try client()
        for _ in 0..<20 { #expect(try await client.collect(request(server)).text == "x") }
        #expect(server.accepted == 1)
        #expect(await eventually { client.inFlight == 0 })
        await client.shutdown()
    }

    @Test("a kept connection that the server has closed is replaced without the caller's noticing")
    func staleConnection() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(200, "x")
            return .close
        }
        defer { server.stop() }
        let client = try client()
        for _ in 0..<5 { #expect(try await client.collect(request(server)).text == "x") }
        await client.shutdown()
    }

    @Test("a body arrives in pieces while the server is still writing, in chunks or until the close")
    func streaming() async throws {
        let gates = ["/chunked": Gate(), "/until-close": Gate()]
        let server = try LoopbackServer { connection, request in
            let isChunked = request.target == "/chunked"
            try connection.write("HTTP/1.1 200 OK\r\n\(isChunked ? "Transfer-Encoding: chunked\r\n" : "")\r\n")
            try connection.write(isChunked ? "3\r\none\r\n" : "one")
            gates[request.target]?.wait()
            try connection.write(isChunked ? "3\r\ntwo\r\n0\r\n\r\n" : "two")
            return .close
        }
        defer { server.stop() }
        let client = try client()
        for path in ["/chunked", "/until-close"] {
            let response = try await client.send(request(server, path))
            var body = response.body.makeAsyncIterator()
            #expect(try await body.next() == Array("one".utf8))
            gates[path]?.open()
            #expect(try await body.next() == Array("two".utf8))
            #expect(try await body.next() == nil)
            #expect(try await body.next() == nil)
        }
        await client.shutdown()
    }

    @Test("a status other than 2xx is an answer, not an error")
    func statuses() async throws {
        let server = try LoopbackServer { connection, request in
            try connection.respond(Int(request.target.dropFirst()) ?? 0, "body")
            return .keep
        }
        defer { server.stop() }
        let client = try client()
        for status in [200, 302, 400, 404, 429, 500, 503, 599] {
            let reply = try await client.collect(request(server, "/\(status)"))
            #expect(reply.status == status && reply.text == "body")
        }
        await client.shutdown()
    }

    @Test("a proxy carries what goes to the operator's endpoints, and nothing that users name")
    func proxy() async throws {
        let server = try LoopbackServer { connection, request in
            try connection.respond(200, "direct \(request.target)")
            return .keep
        }
        let proxy = try LoopbackServer { connection, request in
            try connection.respond(200, "proxied \(request.target)")
            return .keep
        }
        defer {
            server.stop()
            proxy.stop()
        }
        let far = try EgressURL("http://far.test/x")
        let client = try client(
            to: server, proxy: EgressProxy(url: try EgressURL(proxy.url())),
            policy: { $0.operatorEndpoints.insert(far.endpoint) })
        let operators = EgressRequest(.get, far, for: .operatorConfigured(far.endpoint))
        #expect(try await client.collect(operators).text == "proxied http://far.test/x")
        #expect(try await client.collect(request(server, "/y")).text == "direct /y")
        await client.shutdown()
    }

    @Test("after the shutdown, requests in flight and later ones fail with it")
    func shutdown() async throws {
        let hasArrived = Journal<String>()
        let server = try LoopbackServer { connection, _ in
            hasArrived.add("request")
            _ = connection.waitForClose(seconds: 10)
            hasArrived.add("closed")
            return .close
        }
        defer { server.stop() }
        let client = try client()
        let early = try request(server)
        async let running = failure { () async throws(EgressError) in try await client.collect(early) }
        #expect(await hasArrived.has("request"))
        await client.shutdown()
        #expect(await running == .shutDown)
        #expect(await hasArrived.has("closed"))
        let late = try request(server)
        #expect(await failure { () async throws(EgressError) in try await client.collect(late) } == .shutDown)
        await client.shutdown()
    }
}
