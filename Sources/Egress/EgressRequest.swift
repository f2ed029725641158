/// One request: where to, what for, with which bounds. A value; it can be sent any number of times.
public struct EgressRequest: Sendable, Hashable {
    public var method: HTTPMethod
    public var url: EgressURL
    public var purpose: EgressPurpose
    /// Sent as they are, in order. Names that steer the connection (`Host`, `Content-Length`, `Connection`, …) are
    /// refused. The caller passes `traceparent` here.
    public var headers: [HTTPHeader]
    public var body: [UInt8]
    public var deadlines: EgressDeadlines
    /// The longest body taken, nil for the client's default (``EgressLimits/responseBodyBytes``).
    public var maximumResponseBytes: Int?
    public var redirects: RedirectRule
    public var trust: TLSTrust
    public var protocols: HTTPProtocols

    public init(
        _ method: HTTPMethod, _ url: EgressURL, for purpose: EgressPurpose, headers: [HTTPHeader] = [],
        body: [UInt8] = [],
        deadlines: EgressDeadlines = EgressDeadlines(), maximumResponseBytes: Int? = nil,
        redirects: RedirectRule = .returned,
        trust: TLSTrust = .system, protocols: HTTPProtocols = .automatic
    ) {
        self.method = method
        self.url = url
        self.purpose = purpose
        self.headers = headers
        self.body = body
        self.deadlines = deadlines
        self.maximumResponseBytes = maximumResponseBytes
        self.redirects = redirects
        self.trust = trust
        self.protocols = protocols
    }
}

public enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET", head = "HEAD", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE", options = "OPTIONS"
}

/// A header field. The value may be a secret, which no description of the request shows.
public struct HTTPHeader: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    private let content: Secret
    private let isSecret: Bool

    public init(_ name: String, _ value: String) {
        self.name = name
        content = Secret(value)
        isSecret = false
    }

    /// `prefix` stands before the secret, as `Bearer ` does.
    public init(_ name: String, prefix: String = "", secret: Secret) {
        self.name = name
        content = Secret(prefix + secret.reveal())
        isSecret = true
    }

    /// The value as sent or received.
    public var value: String { content.reveal() }

    public var description: String { "\(name): \(isSecret ? content.description : content.reveal())" }
}

extension [HTTPHeader] {
    /// The value of the first field with this name, compared without case.
    public subscript(_ name: String) -> String? {
        let wanted = name.lowercased()
        return first { $0.name.lowercased() == wanted }?.value
    }
}

/// The deadlines of one request. Each passes on its own; the error names the phase.
public struct EgressDeadlines: Sendable, Hashable {
    /// For the resolution of the name, and again for TCP and TLS together.
    public var connect: Duration
    /// From the connection to the head of the response (interim answers such as 103 do not count).
    public var firstByte: Duration
    /// Between two pieces of the body, while the reader is not the one that is slow.
    public var idle: Duration
    /// From `send` to the last byte, redirects included.
    public var total: Duration

    public init(
        connect: Duration = .seconds(2), firstByte: Duration = .seconds(20), idle: Duration = .seconds(15),
        total: Duration = .seconds(60)
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.idle = idle
        self.total = total
    }
}

/// What happens to a 301, 302, 303, 307 or 308 with a `Location`.
public enum RedirectRule: Sendable, Hashable {
    /// It is the response.
    case returned
    /// It is followed, at most ``EgressLimits/redirects`` times, each hop judged by the policy. Across origins only
    /// harmless headers go along; a body never does.
    case followed
}

/// Which certificate authorities a server's certificate may come from. It is always verified, with the host's name.
public enum TLSTrust: Sendable, Hashable {
    /// Those of the machine.
    case system
    /// Only those in this PEM file.
    case authorities(file: String)
}

/// Which versions of HTTP may be spoken.
public enum HTTPProtocols: Sendable, Hashable {
    /// HTTP/2 where the body is collected, HTTP/1.1 where it is streamed.
    case automatic
    /// HTTP/2 where a TLS server offers it, many requests sharing one connection; else HTTP/1.1.
    ///
    /// libcurl 7.88 lets the server send up to 32 MiB of a stream whose reader is slow and keeps it in memory. So a
    /// streamed body takes this only where it is known to be short or read at once.
    case http2OverTLS
    /// HTTP/1.1 only: a connection to itself, and no more in memory than ``EgressLimits/bufferedBodyBytes``.
    case http1Only
}
