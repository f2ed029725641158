import Egress
import FoundationEssentials
import Testing

@testable import Providers

@Suite("What a failure means")
struct ClassificationTests {
    private let now = Date(timeIntervalSince1970: 784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT

    private func failure(_ status: Int, _ body: String = "", headers: [HTTPHeader] = []) throws -> ProviderFailure {
        ProviderFailure(try reply(status, headers, body), key: Secret("sk-123"), limits: ProviderLimits(), now: now)
    }

    @Test("statuses fall into the classes of the router's policy")
    func statuses() throws {
        for status in [408, 409, 425, 498, 499, 500, 502, 503, 504, 520, 529] {
            #expect(try failure(status, "x") == .retryable(.serverError(status: status), "x"))
        }
        for status in [400, 404, 405, 413, 415, 422, 424] {
            #expect(try failure(status, "x") == .invalidRequest("status \(status): x"))
        }
        #expect(try failure(401, "x") == .credential(.rejected, "x"))
        #expect(try failure(402, "x") == .credential(.exhausted, "x"))
        #expect(try failure(403, "x") == .credential(.forbidden, "x"))
        #expect(try failure(429, "x") == .limited(retryAfter: nil, "x"))
        #expect(try failure(302, "x") == .retryable(.malformedResponse, "status 302"))
    }

    @Test(
        "a 429 that means an empty account is told from one that means haste",
        arguments: [
            (#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#, true),
            (#"{"error":{"message":"m","type":"exceeded_current_quota_error"}}"#, true),
            (#"{"error":{"code":"1113","message":"m"}}"#, true),
            (#"{"error":{"code":"1302","message":"m"}}"#, false),
            (#"{"error":{"message":"m","type":"rate_limit_reached_error"}}"#, false),
            (#"{"error":{"message":"m","code":null}}"#, false), (#"{"detail":"m"}"#, false),
        ])
    func quota(body: String, isExhausted: Bool) throws {
        #expect(try failure(429, body) == (isExhausted ? .credential(.exhausted, "m") : .limited(retryAfter: nil, "m")))
    }

    @Test(
        "every vendor's error shape gives its message",
        arguments: [
            #"{"error":{"message":"the words","type":"t"}}"#, #"{"error":"the words"}"#,
            #"{"object":"error","message":"the words"}"#,
            #"{"detail":"the words"}"#, #"{"code":"c","error":"the words"}"#,
            #"{"type":"x","title":"other","status":400,"detail":"the words"}"#,
            #"{"type":"error","error":{"type":"overloaded_error","message":"the words"}}"#, "the words",
        ])
    func shapes(body: String) throws {
        #expect(try failure(500, body) == .retryable(.serverError(status: 500), "the words"))
    }

    @Test("a vendor's words are cut, on one line, and never hold the key")
    func presentable() throws {
        #expect(
            try failure(401, #"{"error":{"message":"bad key sk-123\r\nX"}}"#)
                == .credential(.rejected, "bad key (secret)  X"))
        let long = try failure(500, String(repeating: "a", count: 10_000))
        #expect(long.detail.count < 330)
    }

    private static let waits: [([String: String], Double)] = [
        (["Retry-After": "7"], 7), (["retry-after": "1.5"], 1.5), (["Retry-After": "0"], 0), (["Retry-After": "-3"], 0),
        (["retry-after-ms": "250", "Retry-After": "9"], 0.25), (["x-ms-retry-after-ms": "40"], 0.04),
        (["Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT"], 60),
        (["Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT", "Date": "Sun, 06 Nov 1994 08:50:27 GMT"], 10),
        (["Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT"], 0), (["Retry-After": "999999999"], 86_400),
        (["Retry-After": "1e300"], 86_400),
    ]

    @Test("the wait that a provider asks for is read in all its forms", arguments: waits)
    func retryAfter(headers: [String: String], seconds: Double) throws {
        let fields = headers.map { HTTPHeader($0.key, $0.value) }
        #expect(
            try failure(429, "x", headers: fields) == .limited(retryAfter: .milliseconds(Int64(seconds * 1_000)), "x"))
    }

    @Test(
        "a wait that cannot be read is no wait",
        arguments: ["", "soon", "nan", "Sun, 99 Foo 1994 08:50:37 GMT", "1994-11-06", "a b c d e f g h"])
    func unreadable(text: String) throws {
        #expect(try failure(429, "x", headers: [HTTPHeader("Retry-After", text)]) == .limited(retryAfter: nil, "x"))
    }

    @Test("transport errors are told apart, and only what the provider did counts against it")
    func transport() throws {
        let denial = PolicyDenial.endpointNotConfigured(try EgressURL("http://a.test/").endpoint)
        let table: [(EgressError, String, Bool)] = [
            (.policyDenied(denial), "denied", false), (.invalidRequest("x"), "invalid_request", false),
            (.resolution(.notFound), "resolution", true), (.connect("x"), "connect", true), (.tls("x"), "tls", true),
            (.timeout(.connect), "timeout_connect", true), (.timeout(.firstByte), "timeout_first_byte", true),
            (.timeout(.idle), "timeout_idle", true), (.tooLarge(.responseBody(limitBytes: 1)), "too_large", true),
            (.tooLarge(.requestBody(limitBytes: 1)), "invalid_request", false), (.cancelled, "cancelled", false),
            (.shutDown, "cancelled", false), (.overloaded, "overloaded", false),
            (.connectionLost("x"), "connection_lost", true),
            (.protocolViolation("x"), "malformed_response", true),
        ]
        for (error, kind, isFault) in table {
            let failure = ProviderFailure(error)
            #expect(failure.kind == kind && failure.isFaultOfProvider == isFault, "\(error)")
            #expect(!failure.detail.isEmpty)
        }
        for status in [401, 402, 403, 404, 429] { #expect(try !failure(status).isFaultOfProvider) }
        #expect(try failure(500).isFaultOfProvider)
    }
}
