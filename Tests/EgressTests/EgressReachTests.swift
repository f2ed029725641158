import Egress
import LoopbackServer
import Synchronization
import Testing

@Suite("Where requests may go", .timeLimit(.minutes(1)))
struct EgressReachTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func refused(_ client: EgressClient, _ request: EgressRequest) async -> PolicyDenial? {
        guard
            case .policyDenied(let denial)? = await failure({ () async throws(EgressError) in
                try await client.collect(request)
            })
        else {
            return nil
        }
        return denial
    }

    @Test("the connection goes to the checked address, with the name in the Host header")
    func pinned() async throws {
        let server = try LoopbackServer { connection, request in
            try connection.respond(200, request["host"] ?? "")
            return .keep
        }
        defer { server.stop() }
        let loopback = try address("127.0.0.1")
        let client = try client(lookup: { name in name == "pinned.test" ? .success([loopback]) : .failure(.notFound) })
        let request = EgressRequest(.get, try EgressURL("http://Pinned.test.:\(server.port)/"), for: .userTarget)
        #expect(try await client.collect(request).text == "pinned.test:\(server.port)")
        await client.shutdown()
    }

    @Test("a dead address does not hide a living one")
    func severalAddresses() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(200, "here")
            return .keep
        }
        defer { server.stop() }
        let addresses = try ["127.0.0.9", "127.0.0.1"].map(address)
        let client = try client(lookup: { _ in .success(addresses) })
        let request = EgressRequest(.get, try EgressURL("http://two.test:\(server.port)/"), for: .userTarget)
        #expect(try await client.collect(request).text == "here")
        await client.shutdown()
    }

    @Test("a name with one private address is refused before anything is sent")
    func privateAddress() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond()
            return .keep
        }
        defer { server.stop() }
        let addresses = try ["1.1.1.1", "127.0.0.1"].map(address)
        let client = try client(lookup: { _ in .success(addresses) }) { $0.allowPrivate = [] }
        let request = EgressRequest(.get, try EgressURL("http://mixed.test:\(server.port)/"), for: .userTarget)
        guard case .addressDenied(let denied, _, let purpose) = await refused(client, request) else {
            Issue.record("not refused")
            return
        }
        #expect(denied == addresses[1] && purpose == "loopback")
        #expect(server.accepted == 0)
        await client.shutdown()
    }

    @Test("a name that changes its address between two requests cannot ride on the operator's connection")
    func rebinding() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(200, "secret of the inside")
            return .keep
        }
        defer { server.stop() }
        let url = try EgressURL("http://inside.test:\(server.port)/")
        let answer = Mutex(try address("127.0.0.1"))
        var limits = EgressLimits()
        limits.resolutionCacheLifetime = .zero
        let client = try client(limits: limits, lookup: { _ in .success([answer.withLock { $0 }]) }) { policy in
            policy.allowPrivate = []
            policy.operatorEndpoints = [url.endpoint]
        }
        #expect(
            try await client.collect(EgressRequest(.get, url, for: .operatorConfigured(url.endpoint))).status == 200)
        // Now the name has a public address, which the policy passes; libcurl still holds the connection to the private
        // one.
        let publicAddress = try address("93.184.215.14")
        answer.withLock { $0 = publicAddress }
        guard case .addressDenied(let denied, _, _) = await refused(client, EgressRequest(.get, url, for: .userTarget))
        else {
            Issue.record("not refused")
            return
        }
        #expect(denied.description == "127.0.0.1")
        await client.shutdown()
    }

    @Test("a redirect to the metadata service is not followed, from whatever it comes")
    func redirectToMetadata() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(302, headers: ["Location: http://169.254.169.254/latest/meta-data/"])
            return .keep
        }
        defer { server.stop() }
        let client = try client(to: server)
        let endpoint = try EgressURL(server.url()).endpoint
        for purpose in [EgressPurpose.userTarget, .operatorConfigured(endpoint)] {
            let request = EgressRequest(.get, try EgressURL(server.url()), for: purpose, redirects: .followed)
            guard case .addressDenied(let denied, _, _) = await refused(client, request) else {
                Issue.record("followed")
                continue
            }
            #expect(denied.description == "169.254.169.254")
        }
        await client.shutdown()
    }

    @Test("the operator's exemption does not extend to where its endpoint redirects")
    func redirectFromOperator() async throws {
        let inside = try LoopbackServer { connection, _ in
            try connection.respond(200, "inside")
            return .keep
        }
        let target = inside.url("/x")
        let server = try LoopbackServer { connection, _ in
            try connection.respond(307, headers: ["Location: \(target)"])
            return .keep
        }
        defer {
            server.stop()
            inside.stop()
        }
        let client = try client(to: server, policy: { $0.allowPrivate = [] })
        let endpoint = try EgressURL(server.url()).endpoint
        let request = EgressRequest(
            .get, try EgressURL(server.url()), for: .operatorConfigured(endpoint), redirects: .followed)
        #expect(await refused(client, request) != nil)
        #expect(inside.accepted == 0)
        await client.shutdown()
    }

    @Test("redirects are followed as often as the limit says, and not once more; credentials stay at their origin")
    func redirects() async throws {
        let seen = Journal<String>()
        let other = try LoopbackServer { connection, request in
            seen.add(request["authorization"] ?? "none")
            try connection.respond(200, "end")
            return .keep
        }
        let end = other.url()
        let server = try LoopbackServer { connection, request in
            let left = Int(request.target.dropFirst()) ?? 0
            let location = left == 0 ? end : "/\(left - 1)"
            try connection.respond(302, headers: ["Location: \(location)"])
            return .keep
        }
        defer {
            server.stop()
            other.stop()
        }
        let client = try client()
        let limit = EgressLimits().redirects
        var request = try request(server, "/\(limit - 1)", headers: [HTTPHeader("Authorization", "Bearer x")])
        request.redirects = .followed
        let reply = try await client.collect(request)
        #expect(reply.text == "end" && reply.url.text == end)
        #expect(seen.events == ["none"])
        request.url = try EgressURL(server.url("/\(limit)"))
        #expect(await refused(client, request) == .tooManyRedirects(limit: limit))
        await client.shutdown()
    }

    @Test("a new policy holds from the next request on")
    func newPolicy() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond()
            return .keep
        }
        defer { server.stop() }
        let client = try client()
        #expect(try await client.collect(request(server)).status == 200)
        client.policy.allowPrivate = []
        #expect(await refused(client, try request(server)) != nil, "although a connection is open")
        await client.shutdown()
    }

    @Test("a tool that speaks another protocol gets checked addresses and nothing else")
    func resolve() async throws {
        let good = try address("1.1.1.1")
        let bad = try address("10.0.0.1")
        let client = try client(lookup: { name in
            switch name {
            case "good.test": .success([good])
            case "bad.test": .success([good, bad])
            default: .failure(.notFound)
            }
        })
        let destination = try await client.resolve(userTarget: "Good.test.", port: 443)
        #expect(destination.host == .name("good.test") && destination.port == 443 && destination.addresses == [good])
        #expect(try await client.resolve(userTarget: "2606::1", port: 1).addresses == [try address("2606::1")])
        for (name, expected) in [
            ("bad.test", "policy"), ("10.0.0.1", "policy"), ("::ffff:10.0.0.1", "policy"),
            ("metadata.google.internal", "policy"),
            ("0x7f.1", "policy"), ("missing.test", "resolution"),
        ] {
            let error = await failure { () async throws(EgressError) in
                try await client.resolve(userTarget: name, port: 443)
            }
            switch error {
            case .policyDenied: #expect(expected == "policy", "\(name)")
            case .resolution(.notFound): #expect(expected == "resolution", "\(name)")
            default: Issue.record("\(name): \(String(describing: error))")
            }
        }
        await client.shutdown()
    }
}
