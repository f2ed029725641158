import Egress
import LoopbackServer
import Testing

@Suite("What servers do wrong", .timeLimit(.minutes(1)))
struct EgressFaultTests {
    /// What one scripted server makes of a request.
    private func outcome(
        limits: EgressLimits = EgressLimits(), change: (inout EgressRequest) -> Void = { _ in },
        _ handler: @escaping LoopbackServer.Handler
    ) async throws -> EgressError? {
        let server = try LoopbackServer(handler)
        defer { server.stop() }
        let client = try client(limits: limits)
        var request = try request(server)
        change(&request)
        let sent = request
        let error = await failure { () async throws(EgressError) in try await client.collect(sent) }
        #expect(await eventually { client.inFlight == 0 }, "nothing is left behind")
        await client.shutdown()
        return error
    }

    private let short = Duration.milliseconds(150)

    @Test("a server that never answers runs into the first-byte deadline")
    func hang() async throws {
        let error = try await outcome {
            $0.deadlines = .generous.with { $0.firstByte = short }
        } _: { connection, _ in
            _ = connection.waitForClose(seconds: 10)
            return .close
        }
        #expect(error == .timeout(.firstByte))
    }

    @Test("an interim answer does not move the first-byte deadline")
    func interim() async throws {
        let error = try await outcome {
            $0.deadlines = .generous.with { $0.firstByte = short }
        } _: { connection, _ in
            try connection.write("HTTP/1.1 103 Early Hints\r\n\r\n")
            _ = connection.waitForClose(seconds: 10)
            return .close
        }
        #expect(error == .timeout(.firstByte))
    }

    @Test("a body that stops runs into the idle deadline")
    func stall() async throws {
        let error = try await outcome {
            $0.deadlines = .generous.with { $0.idle = short }
        } _: { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            _ = connection.waitForClose(seconds: 10)
            return .close
        }
        #expect(error == .timeout(.idle))
    }

    @Test("a body that drips for ever runs into the total deadline")
    func drip() async throws {
        let error = try await outcome {
            $0.deadlines = .generous.with { $0.total = .milliseconds(300) }
        } _: { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\n\r\n")
            // Ends when the client is gone and writing fails.
            while true {
                try connection.write("x")
                if connection.waitForClose(seconds: 0.005) { return .close }
            }
        }
        #expect(error == .timeout(.total))
    }

    @Test("a head that drips runs into the first-byte deadline")
    func drippingHead() async throws {
        let error = try await outcome {
            $0.deadlines = .generous.with { $0.firstByte = short }
        } _: { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\n")
            while true {
                try connection.write("x: y\r\n")
                if connection.waitForClose(seconds: 0.02) { return .close }
            }
        }
        #expect(error == .timeout(.firstByte))
    }

    @Test("a port where nobody listens is a connect error, over IPv4 and IPv6")
    func connect() async throws {
        let server = try LoopbackServer { _, _ in .close }
        server.stop()
        let client = try client(policy: { $0.allowPrivate = ["127.0.0.1", "::1"].compactMap(IPRange.init) })
        for host in ["127.0.0.1", "[::1]"] {
            let request = EgressRequest(
                .get, try EgressURL("http://\(host):\(server.port)/"), for: .userTarget, deadlines: .generous)
            let error = await failure { () async throws(EgressError) in try await client.collect(request) }
            guard case .connect = error else {
                Issue.record("\(host): \(String(describing: error))")
                continue
            }
        }
        await client.shutdown()
    }

    @Test("a body may be as long as the limit and no longer, whether its length is told or not")
    func oversize() async throws {
        for (isTold, bytes, isTooLarge) in [
            (true, 1_000, false), (true, 1_001, true), (false, 1_000, false), (false, 1_001, true),
        ] {
            let error = try await outcome {
                $0.maximumResponseBytes = 1_000
            } _: { connection, _ in
                try connection.write("HTTP/1.1 200 OK\r\n\(isTold ? "Content-Length: \(bytes)\r\n" : "")\r\n")
                try connection.write(String(repeating: "x", count: bytes))
                return .close
            }
            #expect(error == (isTooLarge ? .tooLarge(.responseBody(limitBytes: 1_000)) : nil), "\(isTold) \(bytes)")
        }
    }

    @Test("a body that is said to be too long is refused before it comes")
    func toldOversize() async throws {
        let error = try await outcome { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
            _ = connection.waitForClose(seconds: 10)
            return .close
        }
        #expect(error == .tooLarge(.responseBody(limitBytes: EgressLimits().responseBodyBytes)))
    }

    @Test("a head past the limit is refused, in many fields or in one")
    func longHead() async throws {
        let limit = EgressLimits().responseHeadBytes
        for fields in [
            String(repeating: "x: yyyyyyyy\r\n", count: 10_000), "x: \(String(repeating: "y", count: limit))\r\n",
        ] {
            let error = try await outcome { connection, _ in
                try connection.write("HTTP/1.1 200 OK\r\n\(fields)\r\n")
                return .close
            }
            #expect(error == .tooLarge(.responseHead(limitBytes: limit)))
        }
    }

    @Test("a connection that breaks after the request is told apart from one that never was")
    func breaks() async throws {
        for (text, isReset) in [
            ("", false), ("", true), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false),
            ("HTTP/1.1 200 OK\r\n", true),
        ] {
            let error = try await outcome { connection, _ in
                try connection.write(text)
                if isReset { connection.resetOnClose() }
                return .close
            }
            guard case .connectionLost = error else {
                Issue.record("\(text) reset \(isReset): \(String(describing: error))")
                continue
            }
        }
    }

    @Test(
        "what is not HTTP is a protocol violation",
        arguments: [
            "SSH-2.0-OpenSSH_9\r\n", "\0\0\0\0", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "220 mail ESMTP\r\n",
        ])
    func garbage(text: String) async throws {
        let error = try await outcome { connection, _ in
            try connection.write(text)
            return .close
        }
        guard case .protocolViolation = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("the bytes before an error are read before it")
    func partialBody() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            return .close
        }
        defer { server.stop() }
        let client = try client()
        let response = try await client.send(request(server))
        var read: [UInt8] = []
        do {
            for try await chunk in response.body { read += chunk }
            Issue.record("the body ended well")
        } catch {
            guard case .connectionLost = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(read == Array("abc".utf8))
        await client.shutdown()
    }
}
