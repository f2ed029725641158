import Agents
import Egress
import FoundationEssentials
import Logging

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
    let timeout: Duration

    init(urls: [String], token: String?, timeout: Duration) throws(CommandFailure) {
        var endpoints: [EgressURL] = []
        for text in urls {
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
        egress = EgressClient(policy: policy, logger: Logger(label: "amas.client") { _ in SwiftLogNoOpLogHandler() })
    }

    /// One request, on the first endpoint that answers with less than 500.
    /// - Throws: `CommandFailure` with the problem's own words and the code that its kind has.
    func request(
        _ method: HTTPMethod, _ path: String, body: JSONValue? = nil, headers: [HTTPHeader] = []
    ) async throws(CommandFailure) -> Answer {
        var all = headers + [HTTPHeader("accept", "application/json")]
        if let token { all.append(HTTPHeader("authorization", prefix: "Bearer ", secret: token)) }
        var bytes: [UInt8] = []
        if let body {
            bytes = (try? AgentJSON.encode(body)) ?? []
            all.append(HTTPHeader("content-type", "application/json"))
        }
        var last = CommandFailure(code: .failed, message: "no endpoint answered")
        for endpoint in endpoints {
            let answer: Answer
            do throws(EgressError) {
                answer = try await send(method, endpoint, path, headers: all, body: bytes)
            } catch {
                last = CommandFailure(code: error.isTimeout ? .timeout : .failed, message: "\(endpoint): \(error)")
                continue
            }
            if answer.status < 400 { return answer }
            last = Self.failure(answer)
            // What one node refuses for good, another will refuse as well.
            if answer.status < 500 { throw last }
        }
        throw last
    }

    private func send(
        _ method: HTTPMethod, _ endpoint: EgressURL, _ path: String, headers: [HTTPHeader], body: [UInt8]
    ) async throws(EgressError) -> Answer {
        let deadlines = EgressDeadlines(connect: .seconds(2), firstByte: timeout, idle: timeout, total: timeout)
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
        let detail = answer.body["detail"]?.stringValue.map { ": \($0)" } ?? ""
        var lines = [title + detail]
        for case .object(let error) in answer.body["errors"]?.arrayValue ?? [] {
            lines.append("  \(error["field"]?.stringValue ?? "?"): \(error["message"]?.stringValue ?? "")")
        }
        let type = answer.body["type"]?.stringValue ?? ""
        let code: FailureCode =
            switch answer.status {
            case 401, 403: .access
            case 503 where type.hasSuffix("no_quorum"): .noQuorum
            case 504: .timeout
            default: .failed
            }
        return CommandFailure(code: code, message: lines.joined(separator: "\n"))
    }
}

extension EgressError {
    var isTimeout: Bool {
        if case .timeout = self { return true }
        return false
    }
}
