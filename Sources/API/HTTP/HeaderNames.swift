import HTTPTypes

extension HTTPField.Name {
    private static func known(_ name: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(name)") else { preconditionFailure("a header name of ours is a token") }
        return name
    }

    static let requestID = known("X-Request-Id")
    static let amasIndex = known("X-Amas-Index")
    static let amasNode = known("X-Amas-Node")
    static let idempotencyKey = known("Idempotency-Key")
    static let idempotencyReplayed = known("Idempotency-Replayed")
    static let traceparent = known("traceparent")
    static let tracestate = known("tracestate")
    static let prefer = known("Prefer")
    static let preferenceApplied = known("Preference-Applied")
    static let link = known("Link")
}
