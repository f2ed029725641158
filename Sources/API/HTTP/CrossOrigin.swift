import HTTPTypes

/// Which web pages of other origins may call (CORS), and what OPTIONS answers. Nobody by default.
struct CrossOrigin: Sendable {
    /// Exact origins, such as `https://ops.example.org`.
    let allowed: [String]

    /// OPTIONS, or a method that the path does not have.
    func otherMethod(_ call: Call, allowed methods: [HTTPRequest.Method]) throws(Problem) -> Answer {
        let list = methods.map(\.rawValue).joined(separator: ", ")
        guard call.head.method == .options else {
            var problem = Problem(.methodNotAllowed, "allowed are \(list)")
            problem.headers[.allow] = list
            throw problem
        }
        var answer = Answer(status: 204)
        answer.headers[.allow] = list
        if isAllowed(call.header(.origin)) {
            answer.headers[.accessControlAllowMethods] = list
            answer.headers[.accessControlAllowHeaders] =
                "Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, X-Amas-Index, X-Request-Id, "
                + "traceparent"
            answer.headers[.accessControlMaxAge] = "600"
        }
        return answer
    }

    func allow(_ call: Call, _ answer: inout Answer) {
        guard !allowed.isEmpty else { return }
        answer.headers[.vary] = "Origin"
        guard let origin = call.header(.origin), isAllowed(origin) else { return }
        answer.headers[.accessControlAllowOrigin] = origin
        answer.headers[.accessControlExposeHeaders] = "ETag, Link, Location, Retry-After, X-Amas-Index, X-Request-Id"
    }

    private func isAllowed(_ origin: String?) -> Bool { origin.map(allowed.contains) ?? false }

    /// Whether a browser's page of that origin may open a WebSocket here: the same host, or one of the list.
    func mayConnect(origin: String?, host: String?) -> Bool {
        guard let origin else { return true }
        if allowed.contains(origin) { return true }
        return host != nil && origin.split(separator: "://", maxSplits: 1).last.map(String.init) == host
    }
}
