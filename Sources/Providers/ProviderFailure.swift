public import Egress

/// What a failed call to a provider means, one case for each thing that can be done about it. The text is the
/// provider's or the transport's, cut and without the key.
public enum ProviderFailure: Error, Sendable, Hashable {
    /// It may work later or elsewhere.
    case retryable(RetryableCause, String)
    /// The provider asks to be left alone for this long, nil where it does not say. No fault of the provider.
    case limited(retryAfter: Duration?, String)
    /// The key, or the account behind it, is the problem: useless until the operator acts.
    case credential(CredentialProblem, String)
    /// The provider refuses this request: a model it does not have, a prompt too long, a parameter it does not know.
    case invalidRequest(String)
    /// Our own outbound policy refuses the provider: the configuration is wrong.
    case denied(PolicyDenial)
    /// The task that asked was cancelled.
    case cancelled
}

public enum RetryableCause: Sendable, Hashable {
    case resolution, connect, tls, connectionLost
    case timeout(TimeoutPhase)
    case serverError(status: Int)
    /// An answer that is not in the dialect, or has no text in it.
    case malformedResponse
    case tooLarge
    /// We had too many requests in flight; nothing was sent.
    case overloadedHere
}

public enum CredentialProblem: Sendable, Hashable {
    /// 401: the key is missing or wrong.
    case rejected
    /// 403: the key may not do this.
    case forbidden
    /// 402, or a 429 that means it: quota or balance are used up.
    case exhausted
}

extension ProviderFailure {
    /// Whether it says something about the provider's health, which a circuit breaker counts.
    public var isFaultOfProvider: Bool {
        switch self {
        case .retryable(let cause, _):
            switch cause {
            case .overloadedHere: false
            case .resolution, .connect, .tls, .connectionLost, .timeout, .serverError, .malformedResponse, .tooLarge:
                true
            }
        case .limited, .credential, .invalidRequest, .denied, .cancelled: false
        }
    }

    /// A stable word for results and metrics.
    public var kind: String {
        switch self {
        case .retryable(let cause, _):
            switch cause {
            case .resolution: "resolution"
            case .connect: "connect"
            case .tls: "tls"
            case .connectionLost: "connection_lost"
            case .timeout(let phase): phase == .firstByte ? "timeout_first_byte" : "timeout_\(phase.rawValue)"
            case .serverError: "server_error"
            case .malformedResponse: "malformed_response"
            case .tooLarge: "too_large"
            case .overloadedHere: "overloaded"
            }
        case .limited: "limited"
        case .credential(let problem, _):
            switch problem {
            case .rejected: "credential_rejected"
            case .forbidden: "credential_forbidden"
            case .exhausted: "credential_exhausted"
            }
        case .invalidRequest: "invalid_request"
        case .denied: "denied"
        case .cancelled: "cancelled"
        }
    }

    /// One line for a person.
    public var detail: String {
        switch self {
        case .retryable(.serverError(let status), let text): "status \(status): \(text)"
        case .retryable(_, let text), .limited(_, let text), .credential(_, let text), .invalidRequest(let text): text
        case .denied(let denial): "\(denial)"
        case .cancelled: "cancelled"
        }
    }
}
