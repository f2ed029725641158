import Agents
import Egress
import FoundationEssentials
import Logging
import Synchronization

/// Talks to a cluster's API. Tries its endpoints in turn until one answers; a request that creates something carries a key, so
/// that trying again elsewhere cannot do it twice.
struct ClusterClient: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: [HTTPHeader]
        var body: JSONValue
    }

    private let endpoints: [EgressURL]
    private let token: Secret?
    private let egress: EgressClient
    private let order: EndpointOrder
    /// For one command as a whole.
    let timeout: Duration

    init(urls: [String], token: String?, timeout: Duration) throws(CommandFailure) {
        var endpoints: [EgressURL] = []
        for text in urls {
            guard text.contains("://") else {
                throw CommandFailure(code: .usage, message: "\(text) has no scheme: write http://\(text)")
            }
            do {
                endpoints.append(try EgressURL(text))
            } catch {
                throw CommandFailure(code: .usage, message: "\(text) is not a URL: \(error)")
            }
        }
        guard !endpoints.isEmpty else {
            throw CommandFailure(code: .usage, message: "name a cluster with --url or AMAS_URL")
        }
        var policy = EgressPolicy()
        policy.operatorEndpoints = Set(endpoints.map(\.endpoint))
        self.endpoints = endpoints
        self.token = token.map { Secret($0) }
        self.timeout = timeout
        order = EndpointOrder(count: endpoints.count)
        egress = EgressClient(policy: policy, logger: Logger(label: "amas.client") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The shortest time that one of several endpoints is given: longer than a node holds a request through an election.
    private static let shortestPatience = Duration.seconds(8)

    /// One request, on the first endpoint that answers with less than 500, beginning with the one that answered last.
    /// - Parameters:
    ///   - patience: how long each endpoint may take; by default its share of the time-out.
    ///   - suffices: whether the answer will do, or another endpoint may give a better one.
    /// - Throws: `CommandFailure` with the problem's own words and the code that its kind has.
    func request(
        _ method: HTTPMethod, _ path: String, body: JSONValue? = nil, headers: [HTTPHeader] = [],
        patience: Duration? = nil,
        suffices: (Answer) -> Bool = { _ in true }
    ) async throws(CommandFailure) -> Answer {
        let share = min(timeout, max(Self.shortestPatience, timeout / endpoints.count))
        var all = headers + [HTTPHeader("accept", "application/json")]
        if let token { all.append(HTTPHeader("authorization", prefix: "Bearer ", secret: token)) }
        var bytes: [UInt8] = []
        if let body {
            bytes = (try? AgentJSON.encode(body)) ?? []
            all.append(HTTPHeader("content-type", "application/json"))
        }
        var last = CommandFailure(code: .failed, message: "no endpoint answered")
        var insufficient: Answer?
        for place in order.places {
            let endpoint = endpoints[place]
            let answer: Answer
            do throws(EgressError) {
                answer = try await send(method, endpoint, path, headers: all, body: bytes, within: patience ?? share)
            } catch {
                last = CommandFailure(
                    code: error.isTimeout ? .timeout : .failed, message: "\(endpoint): \(error.sentence)")
                continue
            }
            if answer.status < 400 {
                order.answered(place)
                if suffices(answer) { return answer }
                insufficient = answer
                continue
            }
            last = Self.failure(answer)
            // What one node refuses for good, another will refuse as well.
            if answer.status < 500 { throw last }
        }
        if let insufficient { return insufficient }
        throw last
    }

    /// A WebSocket to the first endpoint that gives one; nil if none does.
    /// - Parameter attempt: counts up, so that the endpoint that was left is the last to be tried again.
    func openSocket(_ path: String, attempt: Int) async -> ClientSocket? {
        for place in endpoints.indices.map({ ($0 + attempt) % endpoints.count }) {
            let endpoint = endpoints[place]
            guard !Task.isCancelled, let url = try? endpoint.appending(path: path) else { return nil }
            let host = "\(endpoint.endpoint.host)".filter { $0 != "[" && $0 != "]" }
            let headers = token.map { [("authorization", "Bearer \($0.reveal())")] } ?? []
            let address = ClientSocket.Address(
                host: host, port: Int(endpoint.endpoint.port), isSecure: endpoint.endpoint.scheme == .https,
                authority: "\(endpoint.endpoint.host):\(endpoint.endpoint.port)")
            if let socket = try? await ClientSocket.open(address, path: url.pathAndQuery, headers: headers) {
                return socket
            }
        }
        return nil
    }

    private func send(
        _ method: HTTPMethod, _ endpoint: EgressURL, _ path: String, headers: [HTTPHeader], body: [UInt8],
        within limit: Duration
    ) async throws(EgressError) -> Answer {
        let deadlines = EgressDeadlines(connect: min(limit, .seconds(2)), firstByte: limit, idle: limit, total: limit)
        let url: EgressURL
        do throws(PolicyDenial) {
            url = try endpoint.appending(path: path)
        } catch {
            throw .policyDenied(error)
        }
        let reply = try await egress.collect(
            EgressRequest(
                method, url, for: .operatorConfigured(endpoint.endpoint), headers: headers,
                body: body, deadlines: deadlines))
        let value = (try? AgentJSON.decode(JSONValue.self, from: reply.body)) ?? .null
        return Answer(status: reply.head.status, headers: reply.head.headers, body: value)
    }

    /// A problem document in a person's words, with the exit code of its kind.
    private static func failure(_ answer: Answer) -> CommandFailure {
        let title = answer.body["title"]?.stringValue ?? "HTTP status \(answer.status)"
        let fields = (answer.body["errors"]?.arrayValue ?? []).map { error in
            "  \(error["field"]?.stringValue ?? "?"): \(error["message"]?.stringValue ?? "")"
        }
        // Where fields are wrong, the detail is the first of them.
        let detail = fields.isEmpty ? answer.body["detail"]?.stringValue : nil
        let lines = [title + (detail.map { ": \($0)" } ?? "")] + fields
        let type = answer.body["type"]?.stringValue ?? ""
        let code: FailureCode =
            switch answer.status {
            case 400, 413, 415, 422: .usage
            case 401, 403: .access
            case 503 where type.isEmpty || type.hasSuffix("no_quorum"): .noQuorum
            case 504: .timeout
            default: .failed
            }
        return CommandFailure(code: code, message: lines.joined(separator: "\n"))
    }
}

/// Which endpoint is asked first: the one that answered last, so that a dead one costs its time once.
private final class EndpointOrder: Sendable {
    private let count: Int
    private let first = Atomic<Int>(0)

    init(count: Int) {
        self.count = count
    }

    var places: [Int] {
        let first = first.load(ordering: .relaxed)
        return (0..<count).map { ($0 + first) % count }
    }

    func answered(_ place: Int) { first.store(place, ordering: .relaxed) }
}

extension EgressError {
    /// For a person at a terminal.
    fileprivate var sentence: String {
        switch self {
        case .connect(let reason), .tls(let reason), .invalidRequest(let reason): reason
        case .connectionLost(let reason): "the connection was lost: \(reason)"
        case .protocolViolation(let reason): "the answer is not HTTP: \(reason)"
        case .policyDenied(let denial): "refused here: \(denial)"
        case .resolution(let failure): "its name has no address: \(failure)"
        case .timeout: "no answer in time"
        case .tooLarge: "the answer is too large"
        case .cancelled, .shutDown: "given up"
        case .overloaded: "too many requests at once"
        }
    }

    var isTimeout: Bool {
        if case .timeout = self { return true }
        return false
    }
}
