/// Everything that can be wrong with a request or with the answer to it. The raw value ends the problem's `type`.
enum ProblemCode: String, CaseIterable, Sendable {
    case badRequest = "bad_request"
    case malformedJSON = "malformed_json"
    case invalid
    case unauthenticated
    case forbidden
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case requestTimeout = "request_timeout"
    case wrongState = "wrong_state"
    case archived
    case membersRefused = "members_refused"
    case tooLarge = "too_large"
    case headersTooLarge = "headers_too_large"
    case unsupportedMediaType = "unsupported_media_type"
    case idempotencyConflict = "idempotency_conflict"
    case upgradeRequired = "upgrade_required"
    case expectationFailed = "expectation_failed"
    case `internal`
    case noQuorum = "no_quorum"
    case notReady = "not_ready"
    case outcomeUnknown = "outcome_unknown"
    case outcomeForgotten = "outcome_forgotten"
    case readTimeout = "read_timeout"
    case overloaded
    case storeUnavailable = "store_unavailable"

    var status: Int {
        switch self {
        case .badRequest, .malformedJSON: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .wrongState, .archived, .membersRefused: 409
        case .tooLarge: 413
        case .unsupportedMediaType: 415
        case .expectationFailed: 417
        case .invalid, .idempotencyConflict: 422
        case .upgradeRequired: 426
        case .headersTooLarge: 431
        case .internal: 500
        case .noQuorum, .notReady, .outcomeUnknown, .outcomeForgotten, .readTimeout, .overloaded, .storeUnavailable: 503
        }
    }

    var title: String {
        switch self {
        case .badRequest: "The request is malformed"
        case .malformedJSON: "The body is not valid JSON"
        case .invalid: "The request has invalid fields"
        case .unauthenticated: "A valid key is needed"
        case .forbidden: "This key may not do that"
        case .notFound: "There is no such thing"
        case .methodNotAllowed: "The method is not allowed here"
        case .requestTimeout: "The request took too long"
        case .wrongState: "The task is in a state that does not allow this"
        case .archived: "The task is finished and has left the live state"
        case .membersRefused: "The members cannot be changed like that"
        case .tooLarge: "The request is too large"
        case .headersTooLarge: "The request's head is too large"
        case .unsupportedMediaType: "The body's media type is not supported"
        case .expectationFailed: "The expectation cannot be met"
        case .idempotencyConflict: "The idempotency key was used for another request"
        case .upgradeRequired: "This path speaks WebSocket only"
        case .internal: "Something went wrong inside"
        case .noQuorum: "No majority of the cluster can be reached"
        case .notReady: "The node is not ready"
        case .outcomeUnknown: "It is not known whether the request took effect"
        case .outcomeForgotten: "The outcome of the request is no longer known"
        case .readTimeout: "The read took too long"
        case .overloaded: "The cluster has no room for this now"
        case .storeUnavailable: "PostgreSQL cannot be reached"
        }
    }

    /// Seconds after which a client should try again; nil where that would not help.
    var retryAfterSeconds: UInt64? {
        switch self {
        case .noQuorum, .notReady, .outcomeUnknown, .readTimeout, .overloaded: 1
        case .storeUnavailable: 5
        case .badRequest, .malformedJSON, .invalid, .unauthenticated, .forbidden, .notFound, .methodNotAllowed,
            .requestTimeout, .wrongState, .archived, .membersRefused, .tooLarge, .headersTooLarge,
            .unsupportedMediaType,
            .expectationFailed, .idempotencyConflict, .upgradeRequired, .internal, .outcomeForgotten:
            nil
        }
    }
}
