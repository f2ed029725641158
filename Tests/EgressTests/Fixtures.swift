import Egress
import Logging
import LoopbackServer

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A client that may reach the server as an endpoint of the operator, and as a user's target through `allow_private`.
func client(
    to server: LoopbackServer? = nil, limits: EgressLimits = EgressLimits(), proxy: EgressProxy? = nil,
    lookup: @escaping HostLookup = noLookup,
    policy change: (inout EgressPolicy) -> Void = { _ in }
) throws -> EgressClient {
    var policy = EgressPolicy()
    policy.userSchemes = [.http, .https]
    policy.allowPrivate = ["127.0.0.0/8"].compactMap(IPRange.init)
    if let server { policy.operatorEndpoints = [try EgressURL(server.url()).endpoint] }
    change(&policy)
    return EgressClient(
        configuration: EgressConfiguration(proxy: proxy, limits: limits), policy: policy, logger: quietLogger,
        lookup: lookup)
}

/// No test asks the machine's DNS.
let noLookup: HostLookup = { _ in .failure(.notFound) }

func request(
    _ method: HTTPMethod, _ server: LoopbackServer, _ path: String = "/", headers: [HTTPHeader] = [], body: String = "",
    deadlines: EgressDeadlines = .generous
) throws -> EgressRequest {
    EgressRequest(
        method, try EgressURL(server.url(path)), for: .userTarget, headers: headers, body: Array(body.utf8),
        deadlines: deadlines)
}

func request(
    _ server: LoopbackServer, _ path: String = "/", headers: [HTTPHeader] = [], deadlines: EgressDeadlines = .generous
) throws -> EgressRequest {
    try request(.get, server, path, headers: headers, deadlines: deadlines)
}

extension EgressDeadlines {
    /// Longer than any test waits on a loaded machine, so that only the deadline under test can pass.
    static let generous = EgressDeadlines(
        connect: .seconds(30), firstByte: .seconds(30), idle: .seconds(30), total: .seconds(60))

    func with(_ change: (inout EgressDeadlines) -> Void) -> EgressDeadlines {
        var deadlines = self
        change(&deadlines)
        return deadlines
    }
}

extension EgressReply {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// The error of an operation that is expected to fail, nil if it does not.
func failure<T>(_ operation: () async throws(EgressError) -> T) async -> EgressError? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return error
    }
}
