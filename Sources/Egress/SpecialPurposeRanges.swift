/// The addresses that no target a user names may have: everything in IANA's special-purpose registries that is not
/// meant to be reached over the public internet, and the metadata services of clouds that sit outside of those.
///
/// IPv4-mapped and NAT64 addresses are not in this table: they are judged by the IPv4 address inside.
enum SpecialPurposeRanges {
    struct Entry: Sendable {
        let range: IPRange
        let purpose: String
    }

    static let all: [Entry] = table.map { text, purpose in
        guard let range = IPRange(text) else { preconditionFailure("a range of the table below is malformed: \(text)") }
        return Entry(range: range, purpose: purpose)
    }

    static func entry(for address: IPAddress) -> Entry? { all.first { $0.range.contains(address) } }

    private static let table: [(String, String)] = [
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private use"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link local, cloud metadata"),
        ("172.16.0.0/12", "private use"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private use"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast"),
        // `::` and `::1` are in the first; the rest of it is the obsolete way to write an IPv4 address in IPv6.
        ("::/96", "unspecified, loopback, IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard"),
        ("2001::/23", "protocol assignments, Teredo"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link local"),
        ("fec0::/10", "site local"),
        ("ff00::/8", "multicast"),
    ]
}
