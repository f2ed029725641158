/// Why a request gave no answer, one case for each thing that a caller can do something about. A response with status
/// 500 is an answer, not an error.
public enum EgressError: Error, Sendable, Hashable {
    /// The outbound policy refuses; repeating the request is useless until the configuration changes.
    case policyDenied(PolicyDenial)
    /// The request itself is malformed (a header with a line break, a method with a body it cannot have).
    case invalidRequest(String)
    /// The name gave no address.
    case resolution(ResolutionFailure)
    /// No connection came about; the request was certainly not sent.
    case connect(String)
    /// The handshake failed or the certificate was not accepted; the request was certainly not sent.
    case tls(String)
    /// A deadline passed, in this phase.
    case timeout(TimeoutPhase)
    /// A size limit was passed, the request's or the response's.
    case tooLarge(SizeLimit)
    /// The awaiting task was cancelled, or the response's body was let go of before its end.
    case cancelled
    /// Too many requests are in flight; nothing was sent.
    case overloaded
    /// The connection broke after the request may have been sent; the server may have acted on it.
    case connectionLost(String)
    /// The server's answer is not HTTP, or breaks its rules.
    case protocolViolation(String)
    /// The client was shut down.
    case shutDown
}

/// The phase whose deadline passed, see ``EgressDeadlines``.
public enum TimeoutPhase: String, Sendable, Hashable, CaseIterable {
    case resolve, connect, firstByte, idle, total
}

/// Which size limit was passed, and its value.
public enum SizeLimit: Sendable, Hashable {
    case requestBody(limitBytes: Int)
    case responseHead(limitBytes: Int)
    case responseBody(limitBytes: Int)
}

/// Why a name gave no address.
public enum ResolutionFailure: Error, Sendable, Hashable {
    /// The name does not exist or has no address.
    case notFound
    /// The resolver could not tell now.
    case temporary
    /// Any other answer of the resolver, in its words.
    case failed(String)
}
