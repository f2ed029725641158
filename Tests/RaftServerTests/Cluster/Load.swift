import RaftServer
import Synchronization
import Testing

/// What clients were told while they proposed.
final class Load: Sendable {
    struct Told: Sendable {
        var accepted: [String: Ledger.Outcome] = [:]
        /// The outcome is not known: the node ended while it had the request.
        var unknown: Set<String> = []
        var failed: [String: RequestError] = [:]
    }

    private let told = Mutex(Told())
    private let isOver = Mutex(false)

    var result: Told { told.withLock { $0 } }
    var acceptedCount: Int { told.withLock { $0.accepted.count } }

    func end() { isOver.withLock { $0 = true } }

    /// One client at one server, one value after the other: `count` of them, or until the end.
    func client(_ name: String, at server: TestCluster.Server, count: Int = .max) async {
        for number in 0..<count {
            if isOver.withLock({ $0 }) { return }
            let value = "\(name)-\(number)"
            do throws(RequestError) {
                let outcome = try await TestCluster.propose(value, at: server)
                told.withLock { $0.accepted[value] = outcome }
            } catch {
                told.withLock { told in
                    switch error {
                    case .stopped: told.unknown.insert(value)
                    case .noQuorum, .timedOut, .overloaded, .diskFull, .tooLarge, .cancelled: told.failed[value] = error
                    }
                }
                if case .stopped = error { return }
            }
        }
    }

    /// `clients` at each of the servers.
    func run(_ clients: Int, count: Int, at servers: [TestCluster.Server], name: String = "v") async {
        await withTaskGroup(of: Void.self) { group in
            for (place, server) in servers.enumerated() {
                for client in 0..<clients {
                    group.addTask { await self.client("\(name)-\(place)-\(client)", at: server, count: count) }
                }
            }
        }
    }
}

/// A number that several tasks count up.
final class Counter: Sendable {
    private let number = Mutex(0)

    var value: Int { number.withLock { $0 } }
    func count() { number.withLock { $0 += 1 } }
}

/// Tasks that begin one by one, and are waited for together.
final class TaskList: Sendable {
    private let tasks = Mutex<[Task<Void, Never>]>([])

    func add(_ body: @escaping @Sendable () async -> Void) {
        tasks.withLock { $0.append(Task { await body() }) }
    }

    func wait() async {
        for task in tasks.withLock({ $0 }) { await task.value }
    }
}
