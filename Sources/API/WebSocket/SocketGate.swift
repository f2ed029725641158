import HTTPTypes
import Synchronization

/// Decides who may open a WebSocket, and counts those that are open.
final class SocketGate: Sendable {
    static let paths = ["/api/v1/ws", "/ws"]

    private let access: any AccessPolicy
    private let origins: CrossOrigin
    private let cluster: any ClusterService
    private let condition: ServerCondition
    private let limits: APILimits
    private let open = Atomic<Int>(0)

    init(
        access: any AccessPolicy, origins: CrossOrigin, cluster: any ClusterService, condition: ServerCondition,
        limits: APILimits
    ) {
        self.access = access
        self.origins = origins
        self.cluster = cluster
        self.condition = condition
        self.limits = limits
    }

    /// Takes a place for the caller, to be given back with `release`; nil: the router answers with `refusal`.
    func admit(_ head: HTTPRequest) -> Principal? {
        guard Self.isHandshake(head), case .success(let principal) = judge(head) else { return nil }
        let count = open.wrappingAdd(1, ordering: .relaxed).newValue
        guard count <= limits.sockets else {
            release()
            return nil
        }
        return principal
    }

    func release() { open.wrappingSubtract(1, ordering: .relaxed) }

    func isSocketPath(_ head: HTTPRequest) -> Bool {
        let path = (head.path ?? "").prefix { $0 != "?" }
        return Self.paths.contains { $0 == path }
    }

    /// Why a request for a WebSocket was not granted.
    func refusal(_ head: HTTPRequest) -> Problem {
        guard Self.isHandshake(head) else {
            var problem = Problem(.upgradeRequired, "connect with a WebSocket client, version 13")
            problem.headers[.upgrade] = "websocket"
            problem.headers[.connection] = "Upgrade"
            problem.headers[.secWebSocketVersion] = "13"
            return problem
        }
        switch judge(head) {
        case .success: return Problem(.overloaded, "this node has \(limits.sockets) WebSockets already")
        case .failure(let problem): return problem
        }
    }

    private func judge(_ head: HTTPRequest) -> Result<Principal, Problem> {
        guard let principal = access.principal(authorization: head.headerFields[.authorization]) else {
            return .failure(Problem(.unauthenticated, "send Authorization: Bearer <key>"))
        }
        guard access.allows(principal, .readTasks) else { return .failure(Problem(.forbidden)) }
        guard origins.mayConnect(origin: head.headerFields[.origin], host: head.authority) else {
            return .failure(Problem(.forbidden, "this origin may not connect"))
        }
        // What is replayed is no news, and no offset can be judged before it has been.
        guard cluster.hasRecovered else { return .failure(Problem(.notReady, "the log is being replayed")) }
        if condition.isDraining { return .failure(Problem(.notReady, "the node is draining")) }
        return .success(principal)
    }

    /// RFC 6455 §4.2.1.
    private static func isHandshake(_ head: HTTPRequest) -> Bool {
        let fields = head.headerFields
        guard head.method == .get, fields[.secWebSocketVersion] == "13",
            fields[.upgrade]?.lowercased() == "websocket", let key = fields[.secWebSocketKey], key.utf8.count == 24
        else { return false }
        return (fields[.connection] ?? "").split(separator: ",").contains { $0.trimmed.lowercased() == "upgrade" }
    }
}
