import Agents
import LoopbackClient
import Synchronization
import Testing

@testable import RaftSimulation

/// What clients asked real nodes for and what they were told, with the times of both, for the checker of the simulated world.
///
/// A key is a task: made by whoever asks first under its Idempotency-Key, and perhaps cancelled. Every request goes straight to one
/// node. A write whose answer does not come, or says that its outcome is unknown, may have taken effect, and may do so later; a
/// read without an answer says nothing.
final class ClientHistory: Sendable {
    struct Request: Sendable {
        enum Kind: Sendable { case create, cancel, read }
        var key: Int
        var kind: Kind
        var calledAt: UInt64
        /// `.max` if the outcome is not known.
        var returnedAt = UInt64.max
        /// What a read saw; nil of a task that is not there.
        var status: String?
        /// The index with which the answer came.
        var index: UInt64?
    }

    private struct State {
        var requests: [Request] = []
        var tasks: [Int: String] = [:]
        var complaints: [String] = []
        var next = 0
        var isOver = false
    }

    /// Requests that follow each other before the next key's turn.
    private static let requestsOfKey = 16
    private static let requestsElsewhere = 20
    private let cluster: ClusterProcesses
    private let state = Mutex(State())
    private let start = ContinuousClock.now

    init(_ cluster: ClusterProcesses) { self.cluster = cluster }

    var answered: Int { state.withLock { $0.requests.count { $0.returnedAt != .max } } }
    var requests: [Request] { state.withLock { $0.requests } }
    /// What no history can explain, found at once.
    var complaints: [String] { state.withLock { $0.complaints } }

    private var now: UInt64 { UInt64((ContinuousClock.now - start) / .nanoseconds(1)) }

    /// Clients, each with one request outstanding, for the time of `body`; then everything is read once more.
    func record(clients: Int, _ body: () async throws -> Void) async throws {
        let work = Task {
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<clients { group.addTask { await self.work(client) } }
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        state.withLock { $0.isOver = true }
        await work.value
        try result.get()
        for key in state.withLock({ $0.tasks.keys.sorted() }) {
            try await until("key \(key) is read") {
                var connections: [Int: RawConnection] = [:]
                return await self.ask(.read, of: key, at: key % cluster.ports.count, &connections)
            }
        }
    }

    private func work(_ client: Int) async {
        var connections: [Int: RawConnection] = [:]
        defer { for connection in connections.values { connection.close() } }
        // A client that waited in vain asks the other nodes for a while, or one that stands still would soon have them all.
        var shunned: (place: Int, rest: Int) = (0, 0)
        while let number = next() {
            var place = (client + number) % cluster.ports.count
            if place == shunned.place, shunned.rest > 0 {
                shunned.rest -= 1
                place = (place + 1) % cluster.ports.count
            }
            let key = number / Self.requestsOfKey
            let isKnown = state.withLock { $0.tasks[key] != nil }
            let kind: Request.Kind =
                switch number % Self.requestsOfKey {
                case _ where !isKnown, 0...2, 9: .create
                case 7, 8: .cancel
                default: .read
                }
            if await !ask(kind, of: key, at: place, &connections) { shunned = (place, Self.requestsElsewhere) }
        }
    }

    private func next() -> Int? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    /// Returns whether the outcome is known.
    @discardableResult
    private func ask(
        _ kind: Request.Kind, of key: Int, at place: Int, _ connections: inout [Int: RawConnection]
    ) async -> Bool {
        let task = state.withLock { $0.tasks[key] } ?? ""
        var request = Request(key: key, kind: kind, calledAt: now)
        let reply: HTTPReply?
        do {
            let open: RawConnection
            if let kept = connections.removeValue(forKey: place) {
                open = kept
            } else {
                // One that stands still answers nobody: the client gives up, as clients do.
                open = try await RawConnection.open(port: cluster.ports[place], lasting: 20)
            }
            let answer: HTTPReply =
                switch kind {
                case .create:
                    try await open.request(
                        "POST", "/api/v1/tasks", ["Idempotency-Key": "history-\(key)"], body: Load.held(key),
                        key: cluster.token)
                case .cancel:
                    try await open.request("POST", "/api/v1/tasks/\(task)/cancel", [:], body: nil, key: cluster.token)
                case .read:
                    try await open.request(
                        "GET", "/api/v1/tasks/\(task)?consistency=strong", [:], body: nil, key: cluster.token)
                }
            if answer.headers["connection"] == "close" { open.close() } else { connections[place] = open }
            reply = answer
        } catch {
            reply = nil
        }
        return note(reply, of: &request, task)
    }

    private func note(_ reply: HTTPReply?, of request: inout Request, _ task: String) -> Bool {
        let returnedAt = now
        let expected = request.kind == .create ? 201 : request.kind == .cancel ? 202 : 200
        if let reply, reply.status == expected || request.kind == .read && reply.status == 404 {
            request.returnedAt = returnedAt
            request.index = reply.headers["x-amas-index"].flatMap { UInt64($0) }
            if request.kind == .read, reply.status == 200 { request.status = reply.json["status"]?.stringValue }
        } else if let reply, reply.status != 503 {
            state.withLock { $0.complaints.append("\(request.kind) gives \(reply.status): \(reply.text)") }
        }
        let id = reply?.status == 201 ? reply?.json["task_id"]?.stringValue : nil
        state.withLock { [request] state in
            state.requests.append(request)
            guard let id else { return }
            if let known = state.tasks.updateValue(id, forKey: request.key), known != id {
                state.complaints.append("key \(request.key) made \(known) and \(id)")
            }
        }
        return request.returnedAt != .max
    }

    // MARK: The verdict

    /// Each key's history has an order, by the checker that judges the simulated world.
    func expectLinearizable() {
        for (key, requests) in Dictionary(grouping: requests, by: \.key) {
            let verdict = Linearizability.check(
                requests.compactMap(Self.event), from: TaskModel.State(), step: TaskModel.step)
            if verdict != .linearizable {
                Issue.record("key \(key): \(verdict)\n\(requests.map { "\($0)" }.joined(separator: "\n"))")
            }
        }
    }

    static func event(_ request: Request) -> Linearizability.Event<Operation.Kind, Operation.Result>? {
        let isKnown = request.returnedAt != .max
        let (kind, result): (Operation.Kind, Operation.Result) =
            switch request.kind {
            case .create: (.create, isKnown ? .done : .unknown)
            case .cancel: (.cancel, isKnown ? .done : .unknown)
            case .read:
                (.read, .value(.init(exists: request.status != nil, isCancelled: request.status == "cancelled")))
            }
        if request.kind == .read, !isKnown { return nil }
        return .init(
            input: kind, output: result, calledAt: request.calledAt, returnedAt: request.returnedAt,
            hint: request.index ?? .max)
    }

    /// Across all keys: a strong read is never from before what anybody had been told when it began.
    /// - Returns: how many reads were compared.
    func expectReadsNeverGoBack() -> Int {
        let told = requests.filter { $0.index != nil && $0.returnedAt != .max }.sorted { $0.returnedAt < $1.returnedAt }
        let reads = told.filter { $0.kind == .read }.sorted { $0.calledAt < $1.calledAt }
        var place = 0
        var floor: UInt64 = 0
        for read in reads {
            while place < told.count, told[place].returnedAt < read.calledAt {
                floor = max(floor, told[place].index ?? 0)
                place += 1
            }
            #expect((read.index ?? 0) >= floor, "a read of key \(read.key) went back")
        }
        return reads.count
    }
}
