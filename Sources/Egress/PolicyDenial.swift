/// Why the outbound policy refuses a request. The description is one sentence that may be shown to whoever named the
/// target.
public enum PolicyDenial: Error, Sendable, Hashable {
    case malformedURL(String)
    case credentialsInURL
    case schemeNotAllowed(String)
    /// The host is not on the operator's allow-list.
    case hostNotAllowed(String)
    /// The host is one that no target may have (a metadata service by name).
    case hostDenied(String)
    /// A name in Unicode; its `xn--` form says which name is meant.
    case internationalName(String)
    /// A host that some parsers read as an address and others as a name.
    case ambiguousAddress(String)
    /// An address of the host lies in a range that is not public.
    case addressDenied(IPAddress, range: IPRange, purpose: String)
    /// libcurl asked for a socket to an address that was not among those checked for this request.
    case addressNotChecked(IPAddress)
    /// The purpose names an endpoint that the operator has not configured.
    case endpointNotConfigured(Endpoint)
    /// The URL's endpoint is not the one that the purpose names.
    case endpointMismatch(expected: Endpoint, found: Endpoint)
    case tooManyRedirects(limit: Int)
    /// A redirect from `https` to `http`.
    case redirectToPlainHTTP
    /// A redirect that asks to send the request's body to another origin.
    case redirectWithBodyToOtherOrigin
}

extension PolicyDenial: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformedURL(let detail): "the URL is malformed: \(detail)"
        case .credentialsInURL: "a URL must not carry a user name or password"
        case .schemeNotAllowed(let scheme): "the scheme \"\(scheme)\" is not allowed"
        case .hostNotAllowed(let host): "the host \(host) is not on the list of allowed hosts"
        case .hostDenied(let host): "the host \(host) must not be reached"
        case .internationalName(let name): "\"\(name)\" is not ASCII; give the name in its xn-- form"
        case .ambiguousAddress(let text): "\"\(text)\" is neither a plain address nor a name"
        case .addressDenied(let address, let range, let purpose): "\(address) is not public (\(purpose), \(range))"
        case .addressNotChecked(let address): "\(address) was not among the checked addresses"
        case .endpointNotConfigured(let endpoint): "\(endpoint) is not an endpoint of the configuration"
        case .endpointMismatch(let expected, let found): "the request goes to \(found) instead of \(expected)"
        case .tooManyRedirects(let limit): "more than \(limit) redirects"
        case .redirectToPlainHTTP: "a redirect from https to http"
        case .redirectWithBodyToOtherOrigin: "a redirect that would send the body to another origin"
        }
    }
}
