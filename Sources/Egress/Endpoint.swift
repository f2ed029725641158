/// The two schemes that leave this room.
public enum Scheme: String, Sendable, Hashable, CaseIterable {
    case http, https

    public var defaultPort: UInt16 {
        switch self {
        case .http: 80
        case .https: 443
        }
    }
}

/// The host of a URL, after its text was made canonical: an address, or a name in lower-case ASCII without a trailing
/// dot.
public enum Host: Sendable, Hashable, CustomStringConvertible {
    case address(IPAddress)
    case name(String)

    /// As it stands in a URL: IPv6 in brackets.
    public var description: String {
        switch self {
        case .address(let address): address.inURL
        case .name(let name): name
        }
    }
}

/// Where a request goes: scheme, host and port. Two URLs with equal endpoints have the same origin.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public let scheme: Scheme
    public let host: Host
    public let port: UInt16

    public init(scheme: Scheme, host: Host, port: UInt16? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.defaultPort
    }

    /// `https://example.com`, with the port where it is not the scheme's own.
    public var description: String {
        port == scheme.defaultPort ? "\(scheme.rawValue)://\(host)" : "\(scheme.rawValue)://\(host):\(port)"
    }
}

/// A host name, or `*.` and a domain for every name below it (not the domain itself).
public struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    private let name: String
    private let matchesBelow: Bool

    /// Nil for anything that is not a host name in the canonical form of ``Host``, or `*.` before one.
    public init?(_ text: String) {
        matchesBelow = text.hasPrefix("*.")
        name = matchesBelow ? String(text.dropFirst(2)) : text
        guard case .success(.name(name)) = HostSyntax.parse(name) else { return nil }
    }

    public func matches(_ host: Host) -> Bool {
        guard case .name(let candidate) = host else { return false }
        return matchesBelow ? candidate.hasSuffix("." + name) : candidate == name
    }

    public var description: String { matchesBelow ? "*.\(name)" : name }
}
