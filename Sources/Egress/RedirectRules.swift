/// What a redirect turns a request into, as a pure function. The policy judges the result like any other request.
enum RedirectRules {
    /// Fields that go along to another origin. A list of what may go, not of what may not: the name of the next
    /// vendor's key header is not known here. The trace context stays home too.
    private static let harmless: Set<String> = ["accept", "accept-language", "range", "user-agent"]

    /// The next request, nil where the response is no redirect to follow. Throws where it must not be followed.
    static func next(after request: EgressRequest, _ head: ResponseHead) throws(PolicyDenial) -> EgressRequest? {
        guard request.redirects == .followed, [301, 302, 303, 307, 308].contains(head.status),
            let location = head.headers["location"]
        else { return nil }
        var next = request
        next.url = try request.url.resolving(location)
        if request.url.endpoint.scheme == .https, next.url.endpoint.scheme == .http { throw .redirectToPlainHTTP }
        if changesToGet(request.method, head.status) {
            next.method = .get
            next.body = []
            next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        guard next.url.endpoint != request.url.endpoint else { return next }
        guard next.body.isEmpty else { throw .redirectWithBodyToOtherOrigin }
        next.headers.removeAll { !harmless.contains($0.name.lowercased()) }
        // The operator configured the first endpoint, not this one: from here on it is a target that a document named.
        next.purpose = .userTarget
        next.trust = .system
        return next
    }

    /// RFC 9110, 15.4: 303 always, 301 and 302 for a POST as every client does it, 307 and 308 never.
    private static func changesToGet(_ method: HTTPMethod, _ status: Int) -> Bool {
        switch status {
        case 303: method != .head
        case 301, 302: method == .post
        default: false
        }
    }
}
