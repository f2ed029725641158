import Agents
import LoopbackClient
import Synchronization

/// Clients that submit tasks, each with one request outstanding, and note what became of every request.
final class Load: Sendable {
    struct Report: Sendable {
        /// Every task that a 201 named, with the key it was asked for by.
        var accepted: [String: String] = [:]
        /// Requests through the balancer that were not answered with success. The client did not try again.
        var failedThroughBalancer: [String] = []
        var answeredThroughBalancer = 0
        /// Requests straight to a node whose outcome was unknown, and that were repeated with their key elsewhere.
        var repeatedElsewhere = 0
        /// Two different tasks for one key.
        var contradictions: [String] = []
        /// Answers 503 to requests that then waited for their turn; only where a test expects them.
        var refused = 0
    }

    private let cluster: ClusterProcesses
    private let body: @Sendable (Int) -> String
    private let state = Mutex(Report())
    private let next = Mutex(0)
    private let underWay = Mutex<Set<Int>>([])
    private let isStopped = Mutex(false)

    /// - Parameter body: the request of a number.
    init(_ cluster: ClusterProcesses, body: @escaping @Sendable (Int) -> String = Load.small) {
        self.cluster = cluster
        self.body = body
    }

    /// A task of a few milliseconds.
    static let small: @Sendable (Int) -> String = { number in
        #"""
        {"title":"load \#(number)","task_type":"code_analysis","parameters":{"code":"func f\#(number)(_ x: Int) -> Int { return x / 0 }"}}
        """#
    }

    /// A task that is kept and not executed.
    static let held: @Sendable (Int) -> String = { number in
        #"{"title":"load \#(number)","task_type":"code_analysis","auto_execute":false,"parameters":{"code":"let x = 1"}}"#
    }

    /// Small ones, and every thirtieth a folder that takes a while.
    static let mixed: @Sendable (Int) -> String = { number in
        guard number % 30 == 1 else { return small(number) }
        return #"{"title":"load \#(number)","task_type":"code_analysis","target":"Sources/ClusterState"}"#
    }

    var report: Report { state.withLock { $0 } }
    var acceptedCount: Int { state.withLock { $0.accepted.count } }
    /// Numbers of the requests through the balancer that are not answered yet.
    var requestsUnderWay: Set<Int> { underWay.withLock { $0 } }

    /// Lets clients run for the time of `body`.
    /// - Parameters:
    ///   - throughBalancer: clients whose requests carry a key; `withoutKey` are those whose requests carry none.
    ///   - toEachNode: clients straight to a node, with a key.
    ///   - paceMilliseconds: from the beginning of a client's request to that of its next one, if that is answered by then.
    func run<Value: Sendable>(
        throughBalancer: Int, withoutKey: Int = 0, toEachNode: Int, paceMilliseconds: Int,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let clients = Task {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<throughBalancer { group.addTask { await self.useBalancer(paceMilliseconds) } }
                for _ in 0..<withoutKey {
                    group.addTask { await self.useBalancer(paceMilliseconds, isKeyed: false) }
                }
                for place in cluster.ports.indices {
                    for _ in 0..<toEachNode { group.addTask { await self.useNode(place, paceMilliseconds) } }
                }
            }
        }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        isStopped.withLock { $0 = true }
        await clients.value
        return try result.get()
    }

    /// Waits until some more tasks are accepted, whatever was done to the cluster.
    func goOn() async throws {
        let before = acceptedCount
        try await until("more tasks are accepted") { acceptedCount >= before + 40 }
    }

    private var goesOn: Bool { isStopped.withLock { !$0 } }

    private func number() -> Int {
        next.withLock { next in
            next += 1
            return next
        }
    }

    /// Every fifth request reads a task that was accepted before.
    private func useBalancer(_ pace: Int, isKeyed: Bool = true) async {
        var connection: RawConnection?
        defer { connection?.close() }
        var mine: String?
        var begin = ContinuousClock.now
        while goesOn {
            let number = number()
            let isRead = number % 5 == 0 && mine != nil
            underWay.withLock { _ = $0.insert(number) }
            defer { underWay.withLock { _ = $0.remove(number) } }
            do {
                let reply =
                    isRead
                    ? try await send(
                        on: &connection, cluster.balancerPort, "GET", "/api/v1/tasks/\(mine ?? "")", nil, nil)
                    : try await send(
                        on: &connection, cluster.balancerPort, "POST", "/api/v1/tasks",
                        isKeyed ? "key-\(number)" : nil, body(number))
                if reply.status == (isRead ? 200 : 201) {
                    if !isRead {
                        mine = reply.json["task_id"]?.stringValue
                        accept(reply, key: "key-\(number)")
                    }
                    state.withLock { $0.answeredThroughBalancer += 1 }
                } else {
                    fail("\(isRead ? "GET" : "POST") \(reply.status) \(reply.text)")
                }
            } catch {
                connection = nil
                fail("\(isRead ? "GET" : "POST") \(error)")
            }
            begin = await Self.sleep(from: begin, pace)
        }
    }

    /// Until the next request is due, whatever the last one took; when that was longer, the next one begins at once.
    private static func sleep(from begin: ContinuousClock.Instant, _ pace: Int) async -> ContinuousClock.Instant {
        let due = begin + .milliseconds(pace)
        try? await Task.sleep(until: due)
        return max(due, ContinuousClock.now - .milliseconds(pace))
    }

    private func fail(_ what: String) { state.withLock { $0.failedThroughBalancer.append(what) } }

    /// A request whose node dies is repeated, with its key, on the next node until it is answered.
    private func useNode(_ first: Int, _ pace: Int) async {
        var connections: [Int: RawConnection] = [:]
        defer { for connection in connections.values { connection.close() } }
        var begin = ContinuousClock.now
        while goesOn {
            let number = number()
            let key = "key-\(number)"
            var place = first
            for attempt in 0..<600 {
                let port = cluster.ports[place % cluster.ports.count]
                var connection = connections[port]
                let reply = try? await send(on: &connection, port, "POST", "/api/v1/tasks", key, body(number))
                connections[port] = connection
                if let reply, reply.status == 201 {
                    accept(reply, key: key)
                    if attempt > 0 { state.withLock { $0.repeatedElsewhere += 1 } }
                    break
                }
                if reply?.status == 503 { state.withLock { $0.refused += 1 } }
                place += 1
                try? await Task.sleep(for: .milliseconds(50))
            }
            begin = await Self.sleep(from: begin, pace)
        }
    }

    private func accept(_ reply: HTTPReply, key: String) {
        let task = reply.json["task_id"]?.stringValue ?? ""
        state.withLock { report in
            if let other = report.accepted.updateValue(key, forKey: task), other != key {
                report.contradictions.append("task \(task) for \(other) and \(key)")
            }
        }
    }

    private func send(
        on connection: inout RawConnection?, _ port: Int, _ method: String, _ path: String, _ key: String?,
        _ body: String?
    ) async throws -> HTTPReply {
        let open: RawConnection
        if let connection { open = connection } else { open = try await RawConnection.open(port: port, lasting: 900) }
        connection = nil
        let reply = try await open.request(
            method, path, key.map { ["Idempotency-Key": $0] } ?? [:], body: body, key: cluster.token)
        if reply.headers["connection"] == "close" { open.close() } else { connection = open }
        return reply
    }
}
