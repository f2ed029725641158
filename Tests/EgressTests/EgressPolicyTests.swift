import Testing

@testable import Egress

@Suite("The outbound policy")
struct EgressPolicyTests {
    @Test("every special range is closed to users from its first address to its last, and open to the operator")
    func specialRanges() throws {
        let policy = EgressPolicy()
        let endpoint = Endpoint(scheme: .http, host: .name("ollama.test"))
        for entry in SpecialPurposeRanges.all {
            for address in [entry.range.base, entry.range.last] {
                #expect(throws: PolicyDenial.self, "\(address)") { try policy.check(address, for: .userTarget) }
                #expect(throws: Never.self) { try policy.check(address, for: .operatorConfigured(endpoint)) }
            }
        }
    }

    @Test(
        "addresses that must never be reached by a user's wish",
        arguments: [
            "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200", "169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192", "198.18.0.1",
            "224.0.0.1",
            "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "fe80::1", "fd00:ec2::254",
            "fc00::1", "ff02::1",
            "2001:db8::1", "2001::1", "2002:7f00:1::", "64:ff9b:1::1", "fec0::1", "100::1",
            // Judged by the IPv4 address inside.
            "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
            "::ffff:0:127.0.0.1",
        ])
    func denied(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(throws: PolicyDenial.self) { try EgressPolicy().check(address, for: .userTarget) }
    }

    @Test(
        "public addresses are open, also those beside a closed range",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0", "223.255.255.255", "168.63.129.17", "2606:4700:4700::1111", "2a00::1", "2001:4860:4860::8888",
            "::ffff:8.8.8.8", "64:ff9b::808:808",
        ])
    func open(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(throws: Never.self) { try EgressPolicy().check(address, for: .userTarget) }
    }

    @Test("one bad address refuses the whole name, wherever it stands")
    func oneBadAddress() throws {
        let good = try ["1.1.1.1", "2606::1"].map { try #require(IPAddress($0)) }
        let bad = try #require(IPAddress("10.0.0.1"))
        #expect(throws: Never.self) { try EgressPolicy().check(good, for: .userTarget) }
        for position in 0...good.count {
            var addresses = good
            addresses.insert(bad, at: position)
            #expect(throws: PolicyDenial.self) { try EgressPolicy().check(addresses, for: .userTarget) }
        }
    }

    @Test("allow_private opens exactly its ranges, in every spelling of them")
    func allowPrivate() throws {
        var policy = EgressPolicy()
        policy.allowPrivate = [try #require(IPRange("127.0.0.0/8")), try #require(IPRange("fd00::/8"))]
        for text in ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"] {
            #expect(throws: Never.self, "\(text)") { try policy.check(try #require(IPAddress(text)), for: .userTarget) }
        }
        for text in ["10.0.0.1", "::1", "fc00::1", "169.254.169.254"] {
            #expect(throws: PolicyDenial.self, "\(text)") {
                try policy.check(try #require(IPAddress(text)), for: .userTarget)
            }
        }
    }

    @Test("a user's target has an allowed scheme")
    func schemes() throws {
        let http = try EgressURL("http://example.com/").endpoint
        let https = try EgressURL("https://example.com/").endpoint
        #expect(throws: PolicyDenial.schemeNotAllowed("http")) { try EgressPolicy().check(http, for: .userTarget) }
        #expect(throws: Never.self) { try EgressPolicy().check(https, for: .userTarget) }
        #expect(throws: Never.self) { try EgressPolicy(userSchemes: [.http]).check(http, for: .userTarget) }
        #expect(throws: PolicyDenial.self) { try EgressPolicy(userSchemes: [.http]).check(https, for: .userTarget) }
    }

    @Test("the list of allowed hosts is exact, `*.` opens what is below a domain, and no address slips through")
    func allowedHosts() throws {
        var policy = EgressPolicy()
        policy.userHosts = try ["example.com", "*.example.org"].map { try #require(HostPattern($0)) }
        for (host, isAllowed) in [
            ("example.com", true), ("EXAMPLE.com.", true), ("www.example.com", false), ("example.com.evil.test", false),
            ("a.example.org", true), ("a.b.example.org", true), ("example.org", false), ("badexample.org", false),
            ("8.8.8.8", false),
            ("[2606::1]", false),
        ] {
            let endpoint = try EgressURL("https://\(host)/").endpoint
            let isPassed = (try? policy.check(endpoint, for: .userTarget)) != nil
            #expect(isPassed == isAllowed, "\(host)")
        }
    }

    @Test("metadata services are closed by name too, even where private addresses are open")
    func metadataNames() throws {
        var policy = EgressPolicy(userSchemes: [.http])
        policy.allowPrivate = [try #require(IPRange("0.0.0.0/0"))]
        for host in ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data.ec2.internal"]
        {
            let endpoint = try EgressURL("http://\(host)/").endpoint
            #expect(throws: PolicyDenial.self, "\(host)") { try policy.check(endpoint, for: .userTarget) }
        }
    }

    @Test("an address in the URL is judged before anything is resolved")
    func literals() throws {
        let policy = EgressPolicy(userSchemes: [.http])
        for text in ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/", "http://[::1]/"] {
            let endpoint = try EgressURL(text).endpoint
            #expect(throws: PolicyDenial.self, "\(text)") { try policy.check(endpoint, for: .userTarget) }
        }
    }

    @Test("the operator's exemption is for exactly one scheme, host and port, and only if it is configured")
    func operatorEndpoints() throws {
        let ollama = try EgressURL("http://127.0.0.1:11434/").endpoint
        var policy = EgressPolicy()
        policy.operatorEndpoints = [ollama]
        #expect(throws: Never.self) { try policy.check(ollama, for: .operatorConfigured(ollama)) }
        #expect(throws: PolicyDenial.self) { try policy.check(ollama, for: .userTarget) }
        for other in [
            "https://127.0.0.1:11434/", "http://127.0.0.1:11435/", "http://127.0.0.2:11434/", "http://localhost:11434/",
        ] {
            let endpoint = try EgressURL(other).endpoint
            #expect(throws: PolicyDenial.endpointMismatch(expected: ollama, found: endpoint)) {
                try policy.check(endpoint, for: .operatorConfigured(ollama))
            }
            #expect(throws: PolicyDenial.endpointNotConfigured(endpoint)) {
                try policy.check(endpoint, for: .operatorConfigured(endpoint))
            }
        }
    }

    @Test(
        "patterns that are not host names are refused",
        arguments: ["", "*", "*.", "1.2.3.4", "a b", "*.*.com", "Example.com", "a.", "[::1]"])
    func patterns(text: String) {
        #expect(HostPattern(text) == nil)
    }
}

extension IPRange {
    /// The last address of the range.
    var last: IPAddress {
        switch base {
        case .v4(let value): .v4(value | (UInt32.max >> prefixLength))
        case .v6(let value): .v6(value | (UInt128.max >> prefixLength))
        }
    }
}
