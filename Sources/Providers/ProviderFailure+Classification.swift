import Egress
import FoundationEssentials

extension ProviderFailure {
    /// What a transport error means.
    init(_ error: EgressError) {
        switch error {
        case .policyDenied(let denial): self = .denied(denial)
        case .invalidRequest(let text): self = .invalidRequest(text)
        case .resolution(let failure): self = .retryable(.resolution, "\(failure)")
        case .connect(let text): self = .retryable(.connect, text)
        case .tls(let text): self = .retryable(.tls, text)
        case .timeout(let phase): self = .retryable(.timeout(phase), "no answer in time (\(phase.rawValue))")
        case .tooLarge(let limit): self = .init(limit)
        case .cancelled, .shutDown: self = .cancelled
        case .overloaded: self = .retryable(.overloadedHere, "too many requests in flight")
        case .connectionLost(let text): self = .retryable(.connectionLost, text)
        case .protocolViolation(let text): self = .retryable(.malformedResponse, text)
        }
    }

    private init(_ limit: SizeLimit) {
        switch limit {
        case .requestBody(let bytes): self = .invalidRequest("the request is longer than \(bytes) bytes")
        case .responseHead(let bytes): self = .retryable(.tooLarge, "the response's head is longer than \(bytes) bytes")
        case .responseBody(let bytes): self = .retryable(.tooLarge, "the response is longer than \(bytes) bytes")
        }
    }

    /// What a response means whose status is not 2xx. Providers agree on little: the status decides, and for 429 the
    /// body's code does, because quota and rate look alike in the status alone.
    init(_ reply: EgressReply, key: Secret?, limits: ProviderLimits, now: Date) {
        let error = VendorError(reply.body, key: key, limits: limits)
        switch reply.status {
        case 401: self = .credential(.rejected, error.message)
        case 402: self = .credential(.exhausted, error.message)
        case 403: self = .credential(.forbidden, error.message)
        case 429 where error.meansExhaustedAccount: self = .credential(.exhausted, error.message)
        case 429:
            self = .limited(retryAfter: RetryAfter.parse(reply.head.headers, now: now, limits: limits), error.message)
        // Timeout, conflict, too early, and the codes that some vendors use for "no capacity now".
        case 408, 409, 425, 498, 499: self = .retryable(.serverError(status: reply.status), error.message)
        case 400..<500: self = .invalidRequest("status \(reply.status): \(error.message)")
        case 500...: self = .retryable(.serverError(status: reply.status), error.message)
        // A redirect that was not followed, or an interim status that should not end a response.
        default: self = .retryable(.malformedResponse, "status \(reply.status)")
        }
    }
}
