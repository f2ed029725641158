/// What counts as a host. Strict on purpose: every form that two parsers could read differently is refused.
enum HostSyntax {
    /// A host as URL parsers give it: IPv6 in brackets, IPv4 as four numbers, else a name.
    static func parse(_ text: String) -> Result<Host, PolicyDenial> {
        if text.hasPrefix("[") {
            guard text.hasSuffix("]"), let address = IPAddress(String(text.dropFirst().dropLast())), case .v6 = address
            else {
                return .failure(.ambiguousAddress(text))
            }
            return .success(.address(address))
        }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return .failure(.internationalName(text)) }
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        if let address = IPAddress(name) {
            // An IPv6 address without brackets does not come out of a URL; one with a trailing dot is an IPv4 address.
            guard case .v4 = address else { return .failure(.ambiguousAddress(text)) }
            return .success(.address(address))
        }
        return parse(name: name)
    }

    private static func parse(name: String) -> Result<Host, PolicyDenial> {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = labels.last, name.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            return .failure(.malformedURL("the host is not a name"))
        }
        // Resolvers read `127.1`, `2130706433` and `0x7f.0.0.1` as addresses, and so must not see them.
        let isNumber =
            last.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } || last.hasPrefix("0x")
        return isNumber ? .failure(.ambiguousAddress(name)) : .success(.name(name))
    }

    /// The underscore is no letter of host names, but names with one are in use.
    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }
}
