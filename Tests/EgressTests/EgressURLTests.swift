import Testing

@testable import Egress

@Suite("URLs")
struct EgressURLTests {
    @Test(
        "what is taken is made canonical",
        arguments: [
            ("http://example.com", "http://example.com/"),
            ("HTTPS://Example.COM:443/a?b=c#d", "https://example.com/a?b=c"),
            ("https://example.com.:8443/", "https://example.com:8443/"),
            ("http://example.com/a/../b/./c", "http://example.com/b/c"),
            ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
            ("http://a_b.example/?q=%20x", "http://a_b.example/?q=%20x"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/"),
            ("http://1.2.3.4:80/", "http://1.2.3.4/"),
            ("http://1.2.3.4./", "http://1.2.3.4/"),
        ])
    func canonical(text: String, expected: String) throws {
        let url = try EgressURL(text)
        #expect(url.text == expected)
        #expect(try EgressURL(url.text) == url)
    }

    @Test(
        "every odd spelling of an address is that address, or refused",
        arguments: [
            "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/",
            "http://127.0.1/",
            "http://017700000001/", "http://%31%32%37.0.0.1/", "http://127.0.0.1./", "http://0x7f.1./",
            "http://2130706433./",
            "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::127.0.0.1]/", "http://[::]/",
            "http://0/",
            "http://0.0.0.0/", "http://[::1]/", "http://00000000177.0.0.1/", "http://127.0.0.1.../",
            "http://①②⑦.0.0.1/",
            "http://127。0。0。1/", "http://%E3%80%82/", "http://[::1%25lo]/", "http://[fe80::1%25eth0]/",
            "http://localhost。/",
        ])
    func oddAddresses(text: String) {
        let policy = EgressPolicy(userSchemes: [.http])
        do {
            let url = try EgressURL(text)
            guard case .address = url.endpoint.host else {
                Issue.record("\(text) became the name \(url.endpoint.host)")
                return
            }
            #expect(throws: PolicyDenial.self) { try policy.check(url.endpoint, for: .userTarget) }
        } catch {}
    }

    @Test(
        "what is no plain URL is refused with its reason",
        arguments: [
            ("http://user@example.com/", PolicyDenial.credentialsInURL),
            ("http://user:pass@example.com/", .credentialsInURL),
            ("http://:@example.com/", .credentialsInURL),
            ("http://example.com@169.254.169.254/", .credentialsInURL),
            ("ftp://example.com/", .schemeNotAllowed("ftp")),
            ("file:///etc/passwd", .schemeNotAllowed("file")),
            ("gopher://example.com:70/_x", .schemeNotAllowed("gopher")),
            ("javascript:alert(1)", .schemeNotAllowed("javascript")),
            ("http://bücher.example/", .internationalName("bücher.example")),
            ("http://еxample.com/", .internationalName("еxample.com")),
        ])
    func refused(text: String, denial: PolicyDenial) {
        #expect(throws: denial) { try EgressURL(text) }
    }

    @Test(
        "malformed text is refused",
        arguments: [
            "", "example.com", "//example.com/", "/path", "http://", "http:///", "http://exa mple.com/",
            "http://example.com/a b",
            "http://example.com\r\nX: y/", "http://example.com/\u{0}", "http://example.com\\@evil.test/",
            "http://example.com:0/",
            "http://example.com:65536/", "http://example.com:x/", "http://-a.example/", "http://a-.example/",
            "http://a..b/",
            "http://.example/", "http://[::1/", "http://[1.2.3.4]/", "http://[]/", "http://exa$mple/", "http://a,b/",
            "http://example.com/ü",
            "http://\(String(repeating: "a", count: 64)).example/",
        ])
    func malformed(text: String) {
        #expect(throws: PolicyDenial.self) { try EgressURL(text) }
    }

    @Test("a URL may be as long as the limit and no longer")
    func length() throws {
        let base = "http://example.com/"
        let longest = base + String(repeating: "a", count: EgressLimits.urlBytes - base.utf8.count)
        #expect(try EgressURL(longest).text == longest)
        #expect(throws: PolicyDenial.malformedURL("longer than \(EgressLimits.urlBytes) bytes")) {
            try EgressURL(longest + "a")
        }
    }

    @Test(
        "a reference is read at the URL that it stands in",
        arguments: [
            ("/x", "http://example.com:81/x"), ("x?y", "http://example.com:81/a/x?y"),
            ("../x", "http://example.com:81/x"),
            ("//other.test/x", "http://other.test/x"), ("https://other.test", "https://other.test/"),
            ("?q", "http://example.com:81/a/b?q"),
        ])
    func references(reference: String, expected: String) throws {
        let base = try EgressURL("http://example.com:81/a/b?c")
        #expect(try base.resolving(reference).text == expected)
    }

    @Test("a path is appended with one slash between, to the path alone")
    func appending() throws {
        for base in ["https://example.com/v1", "https://example.com/v1/", "https://example.com/v1?x=y"] {
            #expect(try EgressURL(base).appending(path: "/chat").text == "https://example.com/v1/chat")
            #expect(try EgressURL(base).appending(path: "chat").text == "https://example.com/v1/chat")
        }
    }

    @Test("a key in the query is in no description")
    func description() throws {
        let url = try EgressURL("https://example.com/a?key=hunter2")
        #expect("\(url)" == "https://example.com/a")
        #expect(!String(reflecting: url.description).contains("hunter2"))
    }
}

extension EgressPolicy {
    init(userSchemes: Set<Scheme>) {
        self.init()
        self.userSchemes = userSchemes
    }
}
