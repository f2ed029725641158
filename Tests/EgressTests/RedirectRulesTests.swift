import Testing

@testable import Egress

@Suite("Redirects")
struct RedirectRulesTests {
    private let origin = Endpoint(scheme: .https, host: .name("api.example.com"))

    private func request(_ method: HTTPMethod = .get, body: [UInt8] = []) throws -> EgressRequest {
        EgressRequest(
            method, try EgressURL("https://api.example.com/v1/a"), for: .operatorConfigured(origin),
            headers: [
                HTTPHeader("Authorization", prefix: "Bearer ", secret: Secret("key")),
                HTTPHeader("X-Vendor-Key", "key"),
                HTTPHeader("Content-Type", "text/plain"), HTTPHeader("Accept", "text/html"),
                HTTPHeader("traceparent", "00-x"),
            ],
            body: body, redirects: .followed, trust: .authorities(file: "/ca.pem"))
    }

    private func head(_ status: Int, _ location: String?) -> ResponseHead {
        ResponseHead(version: .http1_1, status: status, headers: location.map { [HTTPHeader("Location", $0)] } ?? [])
    }

    @Test("only a redirect with a location, where following was asked for, leads on")
    func leadsOn() throws {
        for status in [200, 204, 300, 304, 305, 306, 400, 500] {
            #expect(try RedirectRules.next(after: request(), head(status, "/b")) == nil, "\(status)")
        }
        #expect(try RedirectRules.next(after: request(), head(302, nil)) == nil)
        var returned = try request()
        returned.redirects = .returned
        #expect(try RedirectRules.next(after: returned, head(302, "/b")) == nil)
    }

    @Test("within the origin everything goes along")
    func sameOrigin() throws {
        let next = try #require(try RedirectRules.next(after: request(), head(302, "/v2/b?c")))
        #expect(next.url.text == "https://api.example.com/v2/b?c")
        #expect(next.headers == (try request()).headers)
        #expect(next.purpose == .operatorConfigured(origin))
        #expect(next.trust == .authorities(file: "/ca.pem"))
    }

    @Test(
        "across origins no credential goes along, and the exemption of the operator's endpoint ends",
        arguments: [
            "https://evil.test/", "https://api.example.com:444/", "//evil.test/", "https://api.example.com.evil.test/",
        ])
    func otherOrigin(location: String) throws {
        let next = try #require(try RedirectRules.next(after: request(), head(302, location)))
        #expect(next.headers.map(\.name) == ["Accept"])
        #expect(next.purpose == .userTarget)
        #expect(next.trust == .system)
    }

    @Test("never from https to http")
    func downgrade() throws {
        #expect(throws: PolicyDenial.redirectToPlainHTTP) {
            try RedirectRules.next(after: request(), head(302, "http://api.example.com/"))
        }
    }

    @Test(
        "which redirects keep the method",
        arguments: [
            (HTTPMethod.post, 301, HTTPMethod.get), (.post, 302, .get), (.post, 303, .get), (.put, 303, .get),
            (.put, 302, .put),
            (.post, 307, .post), (.post, 308, .post), (.head, 303, .head), (.get, 307, .get), (.delete, 301, .delete),
        ])
    func methods(method: HTTPMethod, status: Int, expected: HTTPMethod) throws {
        let next = try #require(try RedirectRules.next(after: request(method), head(status, "/b")))
        #expect(next.method == expected)
    }

    @Test("a body stays within its origin, and goes with the method")
    func bodies() throws {
        let post = try request(.post, body: [1])
        #expect(try RedirectRules.next(after: post, head(307, "/b"))?.body == [1])
        #expect(throws: PolicyDenial.redirectWithBodyToOtherOrigin) {
            try RedirectRules.next(after: post, head(307, "https://evil.test/"))
        }
        let asGet = try #require(try RedirectRules.next(after: post, head(303, "https://other.test/")))
        #expect(asGet.body.isEmpty && asGet.method == .get)
    }

    @Test(
        "a location that is no URL we would send to is refused",
        arguments: ["http://u@h/", "ftp://h/", "http://[::1%25lo]/", "https://ü/"])
    func badLocation(location: String) throws {
        #expect(throws: PolicyDenial.self) { try RedirectRules.next(after: request(), head(302, location)) }
    }
}
