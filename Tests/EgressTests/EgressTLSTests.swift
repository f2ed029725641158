import Egress
import LoopbackServer
import Testing

@Suite("Requests over TLS", .enabled(if: TLSFront.isInstalled, "needs haproxy and openssl"), .timeLimit(.minutes(1)))
struct EgressTLSTests {
    private let loopback = ["127.0.0.1"].compactMap(IPAddress.init)

    private func echo() throws -> LoopbackServer {
        try LoopbackServer { connection, request in
            try connection.respond(200, request["x-protocol"] ?? "")
            return .keep
        }
    }

    private func isTLSError(_ error: EgressError?) -> Bool {
        guard case .tls = error else { return false }
        return true
    }

    @Test("a private authority is trusted where it is given, for its name, and nowhere else")
    func trust() async throws {
        let server = try echo()
        let front = try await TLSFront(to: server, names: "DNS:good.test")
        defer {
            front.stop()
            server.stop()
        }
        let loopback = loopback
        let client = try client(lookup: { _ in .success(loopback) })
        func request(_ name: String, _ trust: TLSTrust) throws -> EgressRequest {
            EgressRequest(
                .get, try EgressURL("https://\(name):\(front.port)/"), for: .userTarget, deadlines: .generous,
                trust: trust)
        }
        let good = try request("good.test", .authorities(file: front.authority))
        #expect(try await client.collect(good).status == 200)
        for refused in [
            try request("good.test", .system), try request("bad.test", .authorities(file: front.authority)),
            try request("good.test", .authorities(file: "/nonexistent.pem")),
        ] {
            let error = await failure { () async throws(EgressError) in try await client.collect(refused) }
            #expect(isTLSError(error), "\(refused.url) \(String(describing: error))")
        }
        #expect(try await client.collect(good).status == 200)
        await client.shutdown()
    }

    @Test(
        "HTTP/2 is spoken where it is offered, by many requests on one connection, and HTTP/1.1 where it is asked for")
    func versions() async throws {
        let server = try echo()
        let front = try await TLSFront(to: server, names: "IP:127.0.0.1")
        defer {
            front.stop()
            server.stop()
        }
        let client = try client()
        var request = EgressRequest(
            .get, try EgressURL("https://127.0.0.1:\(front.port)/"), for: .userTarget, deadlines: .generous,
            trust: .authorities(file: front.authority))
        let sent = request
        try await withThrowingTaskGroup(of: EgressReply.self) { group in
            for _ in 0..<20 { group.addTask { try await client.collect(sent) } }
            for try await reply in group {
                #expect(reply.head.version == .http2)
                #expect(reply.text == "2.0")
            }
        }
        request.protocols = .http1Only
        let reply = try await client.collect(request)
        #expect(reply.head.version == .http1_1 && reply.text == "1.1")
        #expect(try await client.send(sent).head.version == .http1_1, "a streamed body has a connection to itself")
        await client.shutdown()
    }

    @Test("a server that hangs in the handshake runs into the connect deadline")
    func handshake() async throws {
        // It waits for the end of a request's head, which a handshake does not have.
        let silent = try LoopbackServer { _, _ in .close }
        defer { silent.stop() }
        let client = try client()
        let hung = EgressRequest(
            .get, try EgressURL("https://127.0.0.1:\(silent.port)/"), for: .userTarget,
            deadlines: .generous.with { $0.connect = .milliseconds(150) })
        #expect(await failure { () async throws(EgressError) in try await client.collect(hung) } == .timeout(.connect))
        await client.shutdown()
    }

    @Test(
        "HTTP/2: cancelling reaches the server within a second, alone on the connection or not, and leaves the others alone"
    )
    func cancelStream() async throws {
        let seen = Journal<String>()
        let isReleased = Gate()
        let server = try LoopbackServer { connection, request in
            seen.add("\(request.target) arrived")
            if request.target.hasPrefix("/hang") {
                if connection.waitForClose(seconds: 20) { seen.add("\(request.target) closed") }
                return .close
            }
            if request.target == "/slow" { isReleased.wait() }
            try connection.respond(200, "answer")
            return .keep
        }
        let front = try await TLSFront(to: server, names: "IP:127.0.0.1")
        defer {
            front.stop()
            server.stop()
        }
        let client = try client()
        func request(_ path: String) throws -> EgressRequest {
            EgressRequest(
                .get, try EgressURL("https://127.0.0.1:\(front.port)\(path)"), for: .userTarget, deadlines: .generous,
                trust: .authorities(file: front.authority))
        }
        func cancelled(_ path: String) async throws {
            let hanging = try request(path)
            let task = Task { await failure { () async throws(EgressError) in try await client.collect(hanging) } }
            #expect(await seen.has("\(path) arrived"))
            task.cancel()
            #expect(await seen.has("\(path) closed", within: .seconds(1)))
            #expect(await task.value == .cancelled)
        }
        try await cancelled("/hang-alone")
        let slow = try request("/slow")
        let neighbour = Task { try await client.collect(slow).text }
        #expect(await seen.has("/slow arrived"))
        try await cancelled("/hang-beside")
        isReleased.open()
        #expect(try await neighbour.value == "answer")
        #expect(try await client.collect(request("/next")).text == "answer")
        await client.shutdown()
    }

    @Test("HTTP/2: a reader that stops does not hold back its neighbours, and misses no byte when it goes on")
    func heldStream() async throws {
        let bytes = 48 << 20
        let server = try LoopbackServer { connection, request in
            guard request.target == "/large" else {
                try connection.respond(200, "answer")
                return .keep
            }
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n")
            let piece = [UInt8](repeating: 7, count: 64 << 10)
            for _ in 0..<bytes / piece.count { try connection.write(piece) }
            return .keep
        }
        let front = try await TLSFront(to: server, names: "IP:127.0.0.1")
        defer {
            front.stop()
            server.stop()
        }
        let client = try client()
        func request(_ path: String) throws -> EgressRequest {
            EgressRequest(
                .get, try EgressURL("https://127.0.0.1:\(front.port)\(path)"), for: .userTarget, deadlines: .generous,
                maximumResponseBytes: bytes, trust: .authorities(file: front.authority), protocols: .http2OverTLS)
        }
        let large = try await client.send(request("/large"))
        for _ in 0..<20 { #expect(try await client.collect(request("/small")).text == "answer") }
        var total = 0
        for try await chunk in large.body { total += chunk.count }
        #expect(total == bytes)
        await client.shutdown()
    }
}
