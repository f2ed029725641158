import Agents
import LoopbackClient
import Synchronization
import Testing

@testable import RaftSimulation

/// What clients asked real nodes for and what they were told, with the times of both, for the checker of the simulated world.
///
/// A key is a task: made by whoever asks first under its Idempotency-Key, and perhaps cancelled. Every client keeps to one node, so
/// that one that stands still has its own clients only. A write whose answer does not come, or says that its outcome is unknown,
/// may have taken effect, and may do so later; a read without an answer says nothing.
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
    private static let requestsOfKey = 24
    /// A client that is not answered for so long gives up, as clients do.
    private static let patienceSeconds: Int64 = 3
    private let cluster: ClusterProcesses
    private let state = Mutex(State())
    private let start = ContinuousClock.now

    init(_ cluster: ClusterProcesses) { self.cluster = cluster }

    var answered: Int { state.withLock { $0.requests.count { $0.returnedAt != .max } } }
    var unknown: Int { state.withLock { $0.requests.count { $0.returnedAt == .max } } }
    var requests: [Request] { state.withLock { $0.requests } }
    /// What no history can explain, found at once.
    var complaints: [String] { state.withLock { $0.complaints } }

    private var now: UInt64 { UInt64((ContinuousClock.now - start) / .nanoseconds(1)) }

    /// Clients, each with one request outstanding, for the time of `body`; then everything is read once more.
    func record(clientsOfEachNode: Int, _ body: () async throws -> Void) async throws {
        let work = Task {
            await withTaskGroup(of: Void.self) { group in
                for port in cluster.ports {
                    for _ in 0..<clientsOfEachNode { group.addTask { await self.work(port) } }
                }
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        state.withLock { $0.isOver = true }
        await work.value
        try result.get()
        for key in state.withLock({ $0.tasks.keys.sorted() }) {
            try await until("key \(key) is read") {
                await self.ask(.read, of: key, at: self.cluster.ports[key % self.cluster.ports.count])
            }
        }
    }

    private func work(_ port: Int) async {
        while let (key, kind) = next() {
            if await !ask(kind, of: key, at: port) { try? await Task.sleep(for: .milliseconds(50)) }
        }
    }

    /// Of each key: some who make it, then readers, with two who cancel it among them.
    private func next() -> (key: Int, kind: Request.Kind)? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            let (key, place) = state.next.quotientAndRemainder(dividingBy: Self.requestsOfKey)
            state.next += 1
            guard state.tasks[key] != nil else { return (key, .create) }
            return (key, [14, 15].contains(place) ? .cancel : [9, 20].contains(place) ? .create : .read)
        }
    }

    /// One request on a connection of its own. Returns whether the outcome is known.
    private func ask(_ kind: Request.Kind, of key: Int, at port: Int) async -> Bool {
        // A node that takes no connection was not asked for anything.
        guard let connection = try? await RawConnection.open(port: port, lasting: Self.patienceSeconds) else {
            return false
        }
        defer { connection.close() }
        let task = state.withLock { $0.tasks[key] } ?? ""
        let request = Request(key: key, kind: kind, calledAt: now)
        let (method, path, headers, body): (String, String, [String: String], String?) =
            switch kind {
            case .create: ("POST", "/api/v1/tasks", ["Idempotency-Key": "history-\(key)"], Load.held(key))
            case .cancel: ("POST", "/api/v1/tasks/\(task)/cancel", [:], nil)
            case .read: ("GET", "/api/v1/tasks/\(task)?consistency=strong", [:], nil)
            }
        let reply = try? await connection.request(method, path, headers, body: body, key: cluster.token)
        return note(request, reply)
    }

    private func note(_ request: Request, _ reply: HTTPReply?) -> Bool {
        var request = request
        let (returnedAt, json) = (now, reply?.json ?? .null)
        var complaint: String?
        switch (request.kind, reply?.status) {
        case (.create, 201?), (.cancel, 202?), (.read, 200?), (.read, 404?):
            request.returnedAt = returnedAt
            // Its generation stays the same.
            request.index = reply?.headers["x-amas-index"]?.split(separator: ".").last.flatMap { UInt64($0) }
        case (_, nil), (_, 503?): break
        case (_, let status?): complaint = "\(request.kind) of key \(request.key) gives \(status): \(reply?.text ?? "")"
        }
        if request.kind == .read, reply?.status == 200 { request.status = json["status"]?.stringValue ?? "" }
        let made = request.kind == .create && reply?.status == 201 ? json["task_id"]?.stringValue : nil
        state.withLock { [request] state in
            state.requests.append(request)
            if let made, let known = state.tasks.updateValue(made, forKey: request.key), known != made {
                complaint = "key \(request.key) made \(known) and \(made)"
            }
            if let complaint { state.complaints.append(complaint) }
        }
        return request.returnedAt != .max
    }

    // MARK: The verdict

    /// Each key's history has an order, by the checker that judges the simulated world.
    func expectLinearizable() {
        for (key, requests) in Dictionary(grouping: requests, by: \.key) {
            let verdict = Self.verdict(requests)
            if verdict != .linearizable {
                Issue.record("key \(key): \(verdict)\n\(requests.map { "\($0)" }.joined(separator: "\n"))")
            }
        }
    }

    static func verdict(_ requests: [Request]) -> Linearizability.Verdict {
        Linearizability.check(requests.compactMap(event), from: TaskModel.State(), step: TaskModel.step)
    }

    private static func event(_ request: Request) -> Linearizability.Event<Operation.Kind, Operation.Result>? {
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
        let told = requests.filter { $0.index != nil }.sorted { $0.returnedAt < $1.returnedAt }
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
