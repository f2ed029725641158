import Egress
import LoopbackServer
import Testing

@testable import Providers

@Suite("The provider chain, against real servers", .timeLimit(.minutes(1)))
struct ProviderChainTests {
    private let chat = ChatRequest([ChatMessage(.user, "hello?")])

    private func answering(_ status: Int = 200, headers: [String] = [], _ body: String = openAIAnswer) throws
        -> LoopbackServer
    {
        try LoopbackServer { connection, _ in
            try connection.respond(status, headers: headers, body)
            return .keep
        }
    }

    private func failure(_ chain: ProviderChain, within budget: Duration = .seconds(30)) async -> ProviderChainError? {
        do {
            _ = try await chain.complete(chat, within: budget)
            return nil
        } catch {
            return error
        }
    }

    @Test("the request reaches the provider in its dialect with its key, and the answer comes back with its cost")
    func answers() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            seen.add(
                "\(request.method) \(request.target) \(request["authorization"] ?? "-") \(request["traceparent"] ?? "-") \(request.text)"
            )
            let ollama =
                #"{"model":"m","message":{"content":"from ollama"},"done":true,"prompt_eval_count":3,"eval_count":4}"#
            try connection.respond(200, request.target == "/v1/api/chat" ? ollama : openAIAnswer)
            return .keep
        }
        defer { server.stop() }
        let priced = settings("openai", at: server) {
            $0.apiKeyEnv = "E"
            $0.inputUSDPerMillionTokens = 1
            $0.outputUSDPerMillionTokens = 10
        }
        let (chain, client) = try chain([priced])
        let result = try await chain.complete(chat, within: .seconds(30), traceparent: "00-trace")
        #expect(
            result.completion.text == "hello" && result.completion.model == "exact"
                && result.provider == ProviderID("openai"))
        #expect(result.cost == MicroUSD(200) && result.usage == TokenUsage(input: 100, output: 10))
        #expect(result.attempts.map(\.outcome) == [.completed])
        let body = #"{"messages":[{"content":"hello?","role":"user"}],"model":"model-of-openai","stream":false}"#
        #expect(seen.events == ["POST /v1/chat/completions Bearer key-of-E 00-trace \(body)"])
        await client.shutdown()

        let (local, localClient) = try Self.chainOf([settings("ollama", at: server, dialect: .ollamaChat)])
        #expect(try await local.complete(chat, within: .seconds(30)).completion.text == "from ollama")
        await localClient.shutdown()
    }

    private static func chainOf(_ list: [ProviderSettings]) throws -> (ProviderChain, EgressClient) { try chain(list) }

    @Test("providers are asked in the order of their tiers, and within a tier in that of the configuration")
    func order() async throws {
        let server = try answering()
        defer { server.stop() }
        let list = [("d", 3), ("b", 2), ("a", 1), ("c", 2)].map { settings($0.0, at: server, tier: $0.1) }
        let (chain, client) = try chain(list)
        #expect(chain.providers.map(\.id.text) == ["a", "b", "c", "d"])
        #expect(try await chain.complete(chat, within: .seconds(30)).provider == ProviderID("a"))
        await client.shutdown()
    }

    @Test("every kind of failure is recorded, and the next provider is asked")
    func failures() async throws {
        let servers = [
            try answering(500, "broken"), try answering(429, headers: ["Retry-After: 5"], "slow down"),
            try answering(401, #"{"error":{"message":"bad key key-of-E"}}"#), try answering(400, "what?"),
            try answering(200, "{"),
            try answering(200, #"{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":1000000}}"#),
            try answering(302, headers: ["Location: http://169.254.169.254/"]),
            try LoopbackServer { connection, _ in
                connection.resetOnClose()
                return .close
            },
            try LoopbackServer { connection, _ in
                _ = connection.waitForClose(seconds: 10)
                return .close
            }, try answering(),
        ]
        defer { for server in servers { server.stop() } }
        let list = servers.enumerated().map { index, server in
            settings("p\(index)", at: server) {
                $0.apiKeyEnv = "E"
                $0.inputUSDPerMillionTokens = 2
                $0.outputUSDPerMillionTokens = 2
                if index == 8 { $0.firstByteTimeoutSeconds = 0.2 }
            }
        }
        let (chain, client) = try chain(list)
        let result = try await chain.complete(chat, within: .seconds(60))
        #expect(
            result.attempts.map(\.outcomeName) == [
                "server_error", "limited", "credential_rejected", "invalid_request", "malformed_response",
                "malformed_response",
                "malformed_response", "connection_lost", "timeout_first_byte", "completed",
            ])
        #expect(result.provider == ProviderID("p9"))
        #expect(result.attempts[1].outcome == .failed(.limited(retryAfter: .seconds(5), "slow down")))
        #expect(result.attempts[2].errorText == "bad key (secret)")
        #expect(result.attempts[5].cost == MicroUSD(2_000_000), "a useless answer is paid for too")
        #expect(result.cost == MicroUSD(2_000_220))
        #expect(result.attempts.dropLast().allSatisfy { $0.errorText != nil } && result.attempts[9].errorText == nil)
        await client.shutdown()
    }

    @Test("with no provider at all, and with none available, nothing is called and the error says so")
    func noProvider() async throws {
        let (empty, emptyClient) = try chain([])
        #expect(await failure(empty) == .noProviderAvailable([]))
        await emptyClient.shutdown()

        let server = try answering()
        defer { server.stop() }
        let (full, client) = try chain([settings("a", at: server), settings("b", at: server)])
        do {
            _ = try await full.complete(chat, within: .seconds(30)) { _ in false }
            Issue.record("answered")
        } catch {
            guard case .noProviderAvailable(let attempts) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(attempts.map(\.outcome) == [.unavailable, .unavailable])
        }
        #expect(server.accepted == 0)
        let second = try await full.complete(chat, within: .seconds(30)) { $0 == ProviderID("b") }
        #expect(second.provider == ProviderID("b") && second.attempts.map(\.outcome) == [.unavailable, .completed])
        await client.shutdown()
    }

    @Test("when all fail the error holds every attempt")
    func exhausted() async throws {
        let server = try answering(503, "down")
        defer { server.stop() }
        let (chain, client) = try chain([settings("a", at: server), settings("b", at: server)])
        guard case .exhausted(let attempts) = await failure(chain) else {
            Issue.record("not exhausted")
            return
        }
        #expect(attempts.map(\.provider.text) == ["a", "b"])
        #expect(attempts.allSatisfy { $0.outcome == .failed(.retryable(.serverError(status: 503), "down")) })
        await client.shutdown()
    }

    @Test("a provider that hangs takes the budget and no more; what is left is not begun")
    func budget() async throws {
        let hanging = try LoopbackServer { connection, _ in
            _ = connection.waitForClose(seconds: 20)
            return .close
        }
        let server = try answering()
        defer {
            hanging.stop()
            server.stop()
        }
        let (chain, client) = try chain([settings("hangs", at: hanging), settings("works", at: server)])
        guard case .exhausted(let attempts) = await failure(chain, within: .seconds(2)) else {
            Issue.record("not exhausted")
            return
        }
        #expect(
            attempts.map(\.outcome) == [.failed(.retryable(.timeout(.total), "no answer in time (total)")), .outOfTime])
        #expect(server.accepted == 0)
        await client.shutdown()
    }

    @Test("cancelling the task ends the call at the provider long before any deadline, and asks no other")
    func cancelled() async throws {
        let seen = Journal<String>()
        let hanging = try LoopbackServer { connection, _ in
            seen.add("arrived")
            if connection.waitForClose(seconds: 20) { seen.add("closed") }
            return .close
        }
        let other = try answering()
        defer {
            hanging.stop()
            other.stop()
        }
        let (chain, client) = try chain([settings("hangs", at: hanging), settings("other", at: other)])
        let task = Task { await failure(chain) }
        #expect(await seen.has("arrived"))
        task.cancel()
        #expect(await seen.has("closed", within: .seconds(20)))
        guard case .cancelled(let attempts)? = await task.value else {
            Issue.record("not cancelled")
            return
        }
        #expect(attempts.map(\.outcomeName) == ["cancelled"] && other.accepted == 0)
        await client.shutdown()
    }

    @Test("a provider that the outbound policy does not know is denied, not called")
    func denied() async throws {
        let server = try answering()
        defer { server.stop() }
        let (chain, client) = try chain([settings("a", at: server)])
        client.policy.operatorEndpoints = []
        guard case .exhausted(let attempts) = await failure(chain) else {
            Issue.record("not exhausted")
            return
        }
        #expect(attempts.map(\.outcomeName) == ["denied"] && server.accepted == 0)
        await client.shutdown()
    }

    @Test("a request at the limits is sent, and one past them is refused without a call")
    func limits() async throws {
        let server = try answering()
        defer { server.stop() }
        var limits = ProviderLimits()
        limits.messages = 2
        limits.promptBytes = 10
        let (chain, client) = try chain([settings("a", at: server)], limits: limits)
        let half = ChatMessage(.user, "12345")
        #expect(try await chain.complete(ChatRequest([half, half]), within: .seconds(30)).completion.text == "hello")
        for request in [
            ChatRequest([]), ChatRequest([half, half, half]), ChatRequest([half, ChatMessage(.user, "123456")]),
            ChatRequest([half], temperature: 2.1), ChatRequest([half], temperature: .nan),
        ] {
            do {
                _ = try await chain.complete(request, within: .seconds(30))
                Issue.record("sent")
            } catch {
                guard case .invalidRequest = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        await client.shutdown()
    }

    @Test("an answer past the limit is a failure of that provider")
    func oversize() async throws {
        let large = try answering(200, String(repeating: " ", count: 5 << 20))
        let server = try answering()
        defer {
            large.stop()
            server.stop()
        }
        let (chain, client) = try chain([settings("large", at: large), settings("fits", at: server)])
        let result = try await chain.complete(chat, within: .seconds(30))
        #expect(result.attempts.map(\.outcomeName) == ["too_large", "completed"])
        await client.shutdown()
    }
}
