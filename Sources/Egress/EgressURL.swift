import CCurl

/// A URL that this room could send to: `http` or `https`, no credentials, a canonical host, a port. It says nothing
/// about whether the policy permits it.
///
/// Parsed by libcurl's own parser, which also connects, so that what was checked and what is connected to cannot
/// differ; and handed to libcurl in the canonical text made here.
public struct EgressURL: Sendable, Hashable {
    public let endpoint: Endpoint
    /// From the first slash on, query included, fragment dropped.
    public let pathAndQuery: String

    /// Refuses what is not an absolute URL in ASCII, credentials, schemes other than the two, names in Unicode (their
    /// `xn--` form is taken) and IPv4 addresses in any form that cannot be made four decimal numbers.
    public init(_ text: String) throws(PolicyDenial) {
        self = try EgressURL.parse(text, relativeTo: nil)
    }

    /// The URL that a reference (such as a `Location` header) means when it is read at this one.
    public func resolving(_ reference: String) throws(PolicyDenial) -> EgressURL {
        try EgressURL.parse(reference, relativeTo: text)
    }

    /// This URL with further path after its own, one slash between them. A query of this URL is dropped.
    public func appending(path: String) throws(PolicyDenial) -> EgressURL {
        let own = pathAndQuery.prefix { $0 != "?" }
        let separator = own.hasSuffix("/") ? "" : "/"
        let further = path.hasPrefix("/") ? String(path.dropFirst()) : path
        return try EgressURL("\(endpoint)\(own)\(separator)\(further)")
    }

    /// The whole URL. A query can hold a secret: for logs use ``description``.
    public var text: String { "\(endpoint)\(pathAndQuery)" }
}

extension EgressURL: CustomStringConvertible {
    /// Without the query, so that a key in it reaches no log.
    public var description: String { "\(endpoint)\(pathAndQuery.prefix { $0 != "?" })" }
}

extension EgressURL {
    private static func parse(_ text: String, relativeTo base: String?) throws(PolicyDenial) -> EgressURL {
        guard text.utf8.count <= EgressLimits.urlBytes else {
            throw .malformedURL("longer than \(EgressLimits.urlBytes) bytes")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }), !text.contains("\\") else {
            throw .malformedURL("a space, a control character or a backslash")
        }
        guard let handle = curl_url() else { throw .malformedURL("out of memory") }
        defer { curl_url_cleanup(handle) }
        for part in [base, text].compactMap({ $0 }) {
            let code = curl_url_set(handle, CURLUPART_URL, part, UInt32(CURLU_DISALLOW_USER))
            guard code == CURLUE_OK else { throw denial(code, text) }
        }
        return try read(handle)
    }

    private static func read(_ handle: OpaquePointer) throws(PolicyDenial) -> EgressURL {
        let schemeText = part(CURLUPART_SCHEME, of: handle)?.lowercased() ?? ""
        guard let scheme = Scheme(rawValue: schemeText) else { throw .schemeNotAllowed(schemeText) }
        guard part(CURLUPART_ZONEID, of: handle) == nil else { throw .malformedURL("an IPv6 zone") }
        let host = try HostSyntax.parse(part(CURLUPART_HOST, of: handle) ?? "").get()
        guard let port = part(CURLUPART_PORT, of: handle, flags: UInt32(CURLU_DEFAULT_PORT)).flatMap(UInt16.init),
            port > 0
        else {
            throw .malformedURL("the port is not 1 to 65535")
        }
        var pathAndQuery = part(CURLUPART_PATH, of: handle) ?? "/"
        if let query = part(CURLUPART_QUERY, of: handle) { pathAndQuery += "?" + query }
        guard pathAndQuery.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw .malformedURL("path and query must be percent-encoded")
        }
        return EgressURL(endpoint: Endpoint(scheme: scheme, host: host, port: port), pathAndQuery: pathAndQuery)
    }

    private init(endpoint: Endpoint, pathAndQuery: String) {
        self.endpoint = endpoint
        self.pathAndQuery = pathAndQuery
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func denial(_ code: CURLUcode, _ text: String) -> PolicyDenial {
        switch code {
        case CURLUE_USER_NOT_ALLOWED: .credentialsInURL
        case CURLUE_UNSUPPORTED_SCHEME: .schemeNotAllowed(String(text.prefix { $0 != ":" }).lowercased())
        default: .malformedURL(String(cString: curl_url_strerror(code)))
        }
    }
}
