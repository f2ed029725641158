import Egress
import Testing

@testable import Providers

@Suite("Dialects")
struct DialectTests {
    private let chat = ChatRequest([ChatMessage(.system, "Be brief."), ChatMessage(.user, "Häh/\"?\n")])
    private let schema: JSONValue = ["type": "object", "properties": ["a": ["type": "integer"]], "required": ["a"]]

    private func with(_ change: (inout ChatRequest) -> Void) -> ChatRequest {
        var chat = chat
        change(&chat)
        return chat
    }

    // MARK: requests

    @Test("OpenAI: the request is the documented form")
    func openAIRequest() throws {
        let messages = #"[{"content":"Be brief.","role":"system"},{"content":"Häh/\"?\n","role":"user"}]"#
        let provider = try provider(.openAIChat)
        #expect(provider.chatURL.text == "https://api.test/v1/chat/completions")
        #expect(
            text(try OpenAIChat.body(chat, for: provider)) == #"{"messages":\#(messages),"model":"m","stream":false}"#)
        let full = with {
            $0.maximumOutputTokens = 7
            $0.temperature = 0.5
            $0.format = .jsonSchema(name: "x", schema: schema)
        }
        let wire = #"{"properties":{"a":{"type":"integer"}},"required":["a"],"type":"object"}"#
        let format = #"{"json_schema":{"name":"x","schema":\#(wire),"strict":true},"type":"json_schema"}"#
        #expect(
            text(try OpenAIChat.body(full, for: provider))
                == #"{"max_tokens":7,"messages":\#(messages),"model":"m","response_format":\#(format),"stream":false,"temperature":0.5}"#
        )
    }

    @Test("OpenAI: the limit on output has the name and the default that are configured")
    func openAIOutputLimit() throws {
        let provider = try provider(.openAIChat) {
            $0.outputLimitField = "max_completion_tokens"
            $0.maxOutputTokens = 99
        }
        #expect(text(try OpenAIChat.body(chat, for: provider)).contains(#""max_completion_tokens":99"#))
        #expect(
            text(try OpenAIChat.body(with { $0.maximumOutputTokens = 5 }, for: provider)).contains(
                #""max_completion_tokens":5"#))
        let json = text(try OpenAIChat.body(with { $0.format = .json }, for: provider))
        #expect(json.contains(#""response_format":{"type":"json_object"}"#) && !json.contains("max_tokens"))
    }

    @Test("Ollama: the request is the documented form, and never a stream by default")
    func ollamaRequest() throws {
        let provider = try provider(.ollamaChat) { $0.baseURL = "http://localhost:11434" }
        #expect(provider.chatURL.text == "http://localhost:11434/api/chat")
        let messages = #"[{"content":"Be brief.","role":"system"},{"content":"Häh/\"?\n","role":"user"}]"#
        #expect(
            text(try OllamaChat.body(chat, for: provider)) == #"{"messages":\#(messages),"model":"m","stream":false}"#)
        let full = with {
            $0.maximumOutputTokens = 7
            $0.temperature = 1
            $0.format = .jsonSchema(name: "x", schema: ["type": "object"])
        }
        #expect(
            text(try OllamaChat.body(full, for: provider))
                == #"{"format":{"type":"object"},"messages":\#(messages),"model":"m","options":{"num_predict":7,"temperature":1},"stream":false}"#
        )
        #expect(text(try OllamaChat.body(with { $0.format = .json }, for: provider)).contains(#""format":"json""#))
    }

    @Test("the call carries the key, the trace and the deadlines, within what is left of the budget")
    func call() throws {
        let provider = try provider(.openAIChat) {
            $0.apiKeyEnv = "KEY"
            $0.caFile = "/ca.pem"
            $0.totalTimeoutSeconds = 50
        }
        let request = try ChatCall.request(
            chat, to: provider, within: .seconds(9), traceparent: "00-t", limits: ProviderLimits())
        #expect(request.method == .post && request.url == provider.chatURL)
        #expect(request.purpose == .operatorConfigured(provider.endpoint))
        #expect(request.headers["authorization"] == "Bearer sk-123")
        #expect(request.headers["traceparent"] == "00-t" && request.headers["content-type"] == "application/json")
        #expect(request.deadlines.total == .seconds(9) && request.deadlines.firstByte == .seconds(20))
        #expect(request.trust == .authorities(file: "/ca.pem"))
        #expect(!"\(request)".contains("sk-123"))
        let later = try ChatCall.request(
            chat, to: provider, within: .seconds(90), traceparent: nil, limits: ProviderLimits())
        #expect(later.deadlines.total == .seconds(50) && later.headers["traceparent"] == nil)
    }

    // MARK: answers

    private func openAI(_ json: String) throws -> ChatCompletion {
        try OpenAIChat.completion(Array(json.utf8), limits: ProviderLimits())
    }

    @Test("OpenAI: text, model, reason and usage are read")
    func openAIAnswerIsRead() throws {
        #expect(
            try openAI(openAIAnswer)
                == ChatCompletion(
                    text: "hello", model: "exact", finish: .stop, usage: TokenUsage(input: 100, output: 10)))
        let detailed = try openAI(
            """
            {"model":"m","choices":[{"message":{"content":"x","reasoning_content":"hm"},"finish_reason":"length"}],"usage":{"prompt_tokens":9,
            "completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}},"extra":[1,{}]}
            """)
        #expect(detailed.usage == TokenUsage(input: 9, output: 4, cachedInput: 3, reasoning: 2))
        #expect(detailed.reasoning == "hm" && detailed.finish == .length)
    }

    @Test("OpenAI: the quirks of its many servers are taken")
    func openAIQuirks() throws {
        let keepAlive = try openAI("\n\n\r\n" + openAIAnswer)
        #expect(keepAlive.text == "hello", "blank lines before the JSON")
        let parts = try openAI(
            #"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"x"},{"type":"text","text":"b"}]}}]}"#
        )
        #expect(parts.text == "ab" && parts.usage == nil && parts.model.isEmpty && parts.finish == .stop)
        let deepSeek = try openAI(
            #"{"error":null,"choices":[{"message":{"content":"x","reasoning":"r"}}],"usage":{"prompt_tokens":5,"prompt_cache_hit_tokens":4}}"#
        )
        #expect(deepSeek.usage == TokenUsage(input: 5, output: 0, cachedInput: 4) && deepSeek.reasoning == "r")
        let kimi = try openAI(
            #"{"choices":[{"message":{"content":"x"},"usage":{"prompt_tokens":1,"completion_tokens":2}}]}"#)
        #expect(kimi.usage == TokenUsage(input: 1, output: 2))
        let refusal = try openAI(
            #"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"content_filter"}]}"#)
        #expect(refusal.text == "no" && refusal.finish == .contentFilter)
        let negative = try openAI(
            #"{"choices":[{"message":{"content":"x"},"finish_reason":"new"}],"usage":{"prompt_tokens":-5}}"#)
        #expect(negative.usage?.input == 0 && negative.finish == .other("new"))
    }

    @Test("Ollama: text, reason and counts are read")
    func ollamaAnswerIsRead() throws {
        let completion = try OllamaChat.completion(
            Array(
                """
                {"model":"phi3:3.8b","created_at":"x","message":{"role":"assistant","content":"hi","thinking":"hm"},"done":true,
                "done_reason":"length","total_duration":5,"prompt_eval_count":26,"eval_count":298}
                """.utf8), limits: ProviderLimits())
        #expect(
            completion
                == ChatCompletion(
                    text: "hi", reasoning: "hm", model: "phi3:3.8b", finish: .length,
                    usage: TokenUsage(input: 26, output: 298)))
    }

    @Test(
        "an answer that is not in the dialect is a failure that another provider may cure",
        arguments: [
            "", "null", "[]", "{}", "hello", "<html>", #"{"choices":[]}"#, #"{"choices":[{}]}"#, #"{"choices":5}"#,
            #"{"message":5}"#,
            #"{"choices":[{"message":{"content":{"x":1}}}]}"#, #"{"error":{"message":"overloaded"}}"#,
            #"{"error":"overloaded"}"#,
            #"{"message":{"content":"half"},"done":false}"#, openAIAnswer.dropLast(5).description, "\u{0}\u{ff}",
        ])
    func malformed(body: String) {
        for dialect in Dialect.allCases {
            do {
                let completion = try dialect.completion(Array(body.utf8), limits: ProviderLimits())
                Issue.record("\(dialect) took it as \(completion)")
            } catch {
                guard case .retryable(.malformedResponse, _) = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test("no prefix of an answer and no flipped byte of it ends the process")
    func fuzz() {
        let bytes = Array(openAIAnswer.utf8)
        for dialect in Dialect.allCases {
            for end in bytes.indices { _ = try? dialect.completion(Array(bytes[..<end]), limits: ProviderLimits()) }
            for index in bytes.indices {
                for bit in 0..<8 {
                    var damaged = bytes
                    damaged[index] ^= 1 << bit
                    _ = try? dialect.completion(damaged, limits: ProviderLimits())
                }
            }
        }
    }
}
