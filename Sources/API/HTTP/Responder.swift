import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization
import Telemetry

/// What happens to every request, in this order: ids, route, room, access, body, handler, answer.
struct Responder: Sendable {
    let table: RouteTable
    let access: any AccessPolicy
    let limits: APILimits
    let metrics: APIMetrics
    let origins: CrossOrigin
    let condition: ServerCondition
    /// Sent as `X-Amas-Node`; nil: not sent.
    let nodeName: String?
    let clock: @Sendable () -> WallTime
    let logger: Logger

    func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let start = ContinuousClock.now
        let busy = condition.enter()
        metrics.activeRequests.add(1)
        defer {
            condition.leave()
            metrics.activeRequests.add(-1)
        }
        var call = makeCall(request.head)
        var answer: Answer
        do {
            switch try admit(&call, busy: busy) {
            case .answered(let early): answer = early
            case .route(let route):
                try await readBody(route, request, &call, writer)
                let complete = call
                answer = try await LogContext.with(requestID: call.requestID, trace: call.trace) {
                    try await route.handler(complete)
                }
            }
        } catch let problem as Problem {
            answer = problem.answer(instance: call.path, requestID: call.requestID.rawValue)
        }
        complete(&answer, call)
        let elapsed = ContinuousClock.now - start
        metrics.observe(call.head.method.rawValue, call.template, answer.status, elapsed)
        log(call, answer, elapsed)
        let body: ResponseBody =
            call.head.method == .head || answer.body.isEmpty
            ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        let head = HTTPResponse(status: .init(code: answer.status), headerFields: answer.headers)
        try await writer.write(response: head, body: body)
        if answer.closesConnection {
            // The client may still be sending: it gets a moment to read why before the connection is reset.
            channel.eventLoop.scheduleTask(in: .milliseconds(limits.lingerMilliseconds)) { channel.close(promise: nil) }
        }
    }

    private func makeCall(_ head: HTTPRequest) -> Call {
        var random = SystemRandomNumberGenerator()
        let path = head.path ?? "/"
        return Call(
            head: head, parameters: [], query: .none, body: [], principal: nil,
            requestID: .accepting(head.headerFields[.requestID], using: &random),
            trace: .continuing(
                traceparent: head.headerFields[values: .traceparent],
                tracestate: head.headerFields[values: .tracestate],
                using: &random),
            path: String(path.prefix { $0 != "?" }), template: "none")
    }

    private enum Admission {
        case route(Route)
        /// Answered without a handler.
        case answered(Answer)
    }

    private func admit(_ call: inout Call, busy: Int) throws(Problem) -> Admission {
        let route: Route
        switch table.match(call.head.method, call.path[...]) {
        case .nothing: throw Problem(.notFound, "no such path")
        case .otherMethods(let methods): return .answered(try origins.otherMethod(call, allowed: methods))
        case .route(let found, let parameters): (route, call.parameters) = (found, parameters)
        }
        call.template = route.path
        guard busy <= limits.requestsInFlight || route.isProbe else {
            metrics.refusals.with("in_flight").increment()
            throw Problem(.overloaded, "this node works on \(limits.requestsInFlight) requests already")
        }
        try authorize(route, &call)
        let query = (call.head.path ?? "").drop { $0 != "?" }.dropFirst()
        if !query.isEmpty {
            call.query = try QueryItems(parsing: query, limit: limits.queryItems)
            // Probes are asked by programs with habits of their own, `?verbose` for one.
            if !route.isProbe { try call.query.requireNames(route.query.map(\.name)) }
        }
        return .route(route)
    }

    private func authorize(_ route: Route, _ call: inout Call) throws(Problem) {
        guard case .needs(let permission) = route.access else { return }
        guard let principal = access.principal(authorization: call.header(.authorization)) else {
            var problem = Problem(.unauthenticated, "send Authorization: Bearer <key>")
            problem.headers[.wwwAuthenticate] = "Bearer"
            // Whoever is unknown need not send a body.
            problem.closesConnection = call.head.method == .post
            throw problem
        }
        guard access.allows(principal, permission) else {
            throw Problem(.forbidden, "\(permission.rawValue) is needed")
        }
        call.principal = principal
    }

    // MARK: The body

    private func readBody(
        _ route: Route, _ request: Request, _ call: inout Call, _ writer: borrowing ResponseWriter
    ) async throws {
        guard case .json(_, let isOptional) = route.body else { return }
        let length = call.header(.contentLength).flatMap { Int($0) }
        guard length ?? 0 <= limits.bodyBytes else { throw bodyTooLarge }
        if let expectation = call.header(.expect) {
            guard expectation.lowercased() == "100-continue" else { throw Problem(.expectationFailed) }
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        var body: [UInt8] = []
        body.reserveCapacity(length ?? 0)
        for try await buffer in request.body {
            guard body.count + buffer.readableBytes <= limits.bodyBytes else { throw bodyTooLarge }
            body.append(contentsOf: buffer.readableBytesView)
        }
        call.body = body
        if body.isEmpty && isOptional { return }
        let type = (call.header(.contentType) ?? "").lowercased().filter { $0 != " " && $0 != "\"" }
        guard ["application/json", "application/json;charset=utf-8"].contains(type) else {
            throw Problem(.unsupportedMediaType, "Content-Type must be application/json, in UTF-8")
        }
        guard (call.header(.contentEncoding) ?? "identity").trimmed.lowercased() == "identity" else {
            throw Problem(.unsupportedMediaType, "a body is sent without Content-Encoding")
        }
    }

    private var bodyTooLarge: Problem {
        var problem = Problem(.tooLarge, "the limit is \(limits.bodyBytes) bytes")
        problem.closesConnection = true
        return problem
    }

    // MARK: The answer

    private func complete(_ answer: inout Answer, _ call: Call) {
        answer.headers[.requestID] = call.requestID.rawValue
        answer.headers[.date] = condition.date(clock())
        answer.headers[.xContentTypeOptions] = "nosniff"
        if answer.headers[.cacheControl] == nil { answer.headers[.cacheControl] = "private, no-cache" }
        if answer.status != 204 && answer.status != 304 { answer.headers[.contentLength] = String(answer.body.count) }
        if let nodeName { answer.headers[.amasNode] = nodeName }
        // NIO's decoder reads nothing behind a request that wanted another protocol, be it `h2c` or a refused
        // WebSocket.
        if condition.isLeaving || call.header(.upgrade) != nil || call.head.method == .connect {
            answer.closesConnection = true
        }
        if answer.closesConnection { answer.headers[.connection] = "close" }
        origins.allow(call, &answer)
    }

    private func log(_ call: Call, _ answer: Answer, _ elapsed: Duration) {
        let level = Self.level(of: call, answer)
        guard logger.logLevel <= level else { return }
        var metadata = LogContext(requestID: call.requestID, trace: call.trace).metadata
        metadata["http.request.method"] = "\(call.head.method.rawValue)"
        metadata["http.route"] = "\(call.template)"
        metadata["url.path"] = "\(call.path)"
        metadata["http.response.status_code"] = .stringConvertible(answer.status)
        metadata["duration_ms"] = .stringConvertible(elapsed / .milliseconds(1))
        if let problem = answer.problem { metadata["problem"] = "\(problem.rawValue)" }
        if let task = answer.headers[.location]?.split(separator: "/").last { metadata["task_id"] = "\(task)" }
        logger.log(level: level, "request", metadata: metadata)
    }

    /// What changes something, what fails and who is turned away is told; reads and a balancer's probes come by the thousand.
    private static func level(of call: Call, _ answer: Answer) -> Logger.Level {
        switch call.head.method {
        case .get, .head, .options:
            let isProbe = ["/readyz", "/livez", "/startupz", "/api/v1/ready", "/api/v1/health"].contains(call.path)
            let isRefused = answer.status >= 500 || answer.status == 401 || answer.status == 403
            return isRefused && !isProbe ? .info : .debug
        default: return .info
        }
    }
}
