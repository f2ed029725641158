/// What a request is for, which decides how strictly its target is judged.
public enum EgressPurpose: Sendable, Hashable {
    /// A call to an endpoint that the operator wrote into the configuration (a provider, Ollama, OPA, a collector):
    /// exempt from the rules on hosts, schemes and addresses, for exactly this scheme, host and port.
    case operatorConfigured(Endpoint)
    /// A call to a target that a user or a document named. Every rule applies.
    case userTarget
}

/// The one outbound policy: which requests may leave. A pure value without I/O, equal on equal configuration.
///
/// | Rule | Operator's endpoint | User's target |
/// |---|---|---|
/// | URL well-formed, `http` or `https`, no credentials, no odd spelling of addresses | yes (``EgressURL``) | yes |
/// | scheme | as configured | ``userSchemes`` |
/// | host | exactly as configured | in ``userHosts``, not in ``deniedHosts`` |
/// | addresses after resolution | any | **all** outside the special-purpose ranges, or in ``allowPrivate`` |
/// | redirect | its own endpoint: exempt; any other: judged as a user's target | judged again at each hop |
public struct EgressPolicy: Sendable, Equatable {
    /// Schemes that a user's target may have.
    public var userSchemes: Set<Scheme> = [.https]
    /// Hosts that a user's target may have, nil for any. An address literal passes only where this is nil.
    public var userHosts: [HostPattern]?
    /// Names that no user's target may have, whatever they resolve to.
    public var deniedHosts: [HostPattern] = EgressPolicy.metadataHosts
    /// Ranges that a user's target may lie in although they are not public (`egress.allow_private`).
    public var allowPrivate: [IPRange] = []
    /// The endpoints of the configuration. A purpose that names any other is refused.
    public var operatorEndpoints: Set<Endpoint> = []

    public init() {}

    /// Names under which clouds serve credentials to whoever asks from inside.
    public static let metadataHosts: [HostPattern] = [
        "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
    ].compactMap(HostPattern.init)
}

extension EgressPolicy {
    /// Judges scheme, host and port, before any name is resolved.
    public func check(_ endpoint: Endpoint, for purpose: EgressPurpose) throws(PolicyDenial) {
        switch purpose {
        case .operatorConfigured(let configured):
            guard operatorEndpoints.contains(configured) else { throw .endpointNotConfigured(configured) }
            guard endpoint == configured else { throw .endpointMismatch(expected: configured, found: endpoint) }
        case .userTarget:
            guard userSchemes.contains(endpoint.scheme) else { throw .schemeNotAllowed(endpoint.scheme.rawValue) }
            try checkUserHost(endpoint.host)
        }
    }

    /// Judges a host alone, for tools that speak another protocol than HTTP to it.
    public func checkUserHost(_ host: Host) throws(PolicyDenial) {
        if deniedHosts.contains(where: { $0.matches(host) }) { throw .hostDenied(host.description) }
        if let userHosts, !userHosts.contains(where: { $0.matches(host) }) { throw .hostNotAllowed(host.description) }
        if case .address(let address) = host { try check(address, for: .userTarget) }
    }

    /// Judges every address that a name resolved to: one bad address refuses them all, since a name with public and
    /// private addresses is how a rebinding attack looks.
    public func check(_ addresses: [IPAddress], for purpose: EgressPurpose) throws(PolicyDenial) {
        for address in addresses { try check(address, for: purpose) }
    }

    /// Judges one address. IPv4-mapped and NAT64 addresses are judged by the IPv4 address inside.
    public func check(_ address: IPAddress, for purpose: EgressPurpose) throws(PolicyDenial) {
        switch purpose {
        case .operatorConfigured:
            return
        case .userTarget:
            let effective = address.embeddedIPv4 ?? address
            guard !allowPrivate.contains(where: { $0.contains(effective) }) else { return }
            if let entry = SpecialPurposeRanges.entry(for: effective) {
                throw .addressDenied(address, range: entry.range, purpose: entry.purpose)
            }
        }
    }
}
