import Testing

@testable import Egress

@Suite("Addresses and ranges")
struct AddressTests {
    @Test(
        "text and number go back and forth",
        arguments: [
            "0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2", "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2606:4700:4700::1111",
        ])
    func roundTrip(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == text)
        #expect(IPAddress(address.description) == address)
    }

    @Test(
        "only the strict form of an address is one",
        arguments: [
            "", "1", "1.2.3", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "01.2.3.4", "1.2.3.4.", "1.2.3.256",
            "1.2.3.4 ",
            "[::1]", "::1%lo", "fe80::1%eth0", "::g", "1.2.3.4/8", "localhost",
        ])
    func strict(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("the IPv4 address inside is found where there is one")
    func embedded() {
        #expect(IPAddress("::ffff:10.0.0.1")?.embeddedIPv4 == IPAddress("10.0.0.1"))
        #expect(IPAddress("64:ff9b::a9fe:a9fe")?.embeddedIPv4 == IPAddress("169.254.169.254"))
        for text in ["::1", "2001:db8::1", "64:ff9b:1::1", "::fffe:10.0.0.1", "1:ffff:a00:1::", "10.0.0.1"] {
            #expect(IPAddress(text)?.embeddedIPv4 == nil, "\(text)")
        }
    }

    @Test(
        "a range holds its first and last address and neither neighbour",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
            ("192.168.4.0/22", "192.168.4.0", "192.168.7.255", "192.168.3.255", "192.168.8.0"),
            ("1.2.3.4", "1.2.3.4", "1.2.3.4", "1.2.3.3", "1.2.3.5"),
            (
                "fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"
            ),
            ("::1/128", "::1", "::1", "::", "::2"),
        ])
    func edges(text: String, first: String, last: String, before: String, after: String) throws {
        let range = try #require(IPRange(text))
        for (address, isInside) in [(first, true), (last, true), (before, false), (after, false)] {
            #expect(range.contains(try #require(IPAddress(address))) == isInside, "\(address)")
        }
    }

    @Test("the range of no bits holds its whole family and nothing of the other")
    func everything() throws {
        let four = try #require(IPRange("0.0.0.0/0"))
        let six = try #require(IPRange("::/0"))
        let address4 = try #require(IPAddress("8.8.8.8"))
        let address6 = try #require(IPAddress("2606::1"))
        #expect(four.contains(address4) && !four.contains(address6))
        #expect(six.contains(address6) && !six.contains(address4))
    }

    @Test(
        "a range with host bits, an impossible length or other text is refused",
        arguments: [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "::1/64", "::/129", "10/8", "",
            "/8", "a/8",
        ])
    func malformedRange(text: String) {
        #expect(IPRange(text) == nil)
    }
}
