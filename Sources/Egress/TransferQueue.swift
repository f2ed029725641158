/// Which waiting transfer may start: first come, first served, but no endpoint takes more than its share, so that one
/// that hangs holds back its own requests and no others.
struct TransferQueue<ID: Hashable> {
    private struct Entry {
        let id: ID
        let endpoint: Endpoint
    }

    private let concurrent: Int
    private let concurrentPerEndpoint: Int
    private var waiting: [Entry] = []
    private var running: [Endpoint: Int] = [:]
    private var runningTotal = 0

    init(concurrent: Int, concurrentPerEndpoint: Int) {
        self.concurrent = concurrent
        self.concurrentPerEndpoint = concurrentPerEndpoint
    }

    mutating func add(_ id: ID, to endpoint: Endpoint) { waiting.append(Entry(id: id, endpoint: endpoint)) }

    /// Takes out every transfer that may start now; each then counts as running until ``finished(_:)``.
    mutating func takeStartable() -> [ID] {
        guard !waiting.isEmpty, runningTotal < concurrent else { return [] }
        var started: [ID] = []
        var remaining: [Entry] = []
        for entry in waiting {
            if runningTotal < concurrent, running[entry.endpoint, default: 0] < concurrentPerEndpoint {
                running[entry.endpoint, default: 0] += 1
                runningTotal += 1
                started.append(entry.id)
            } else {
                remaining.append(entry)
            }
        }
        waiting = remaining
        return started
    }

    /// A running transfer to this endpoint has ended.
    mutating func finished(_ endpoint: Endpoint) {
        guard let count = running[endpoint] else { preconditionFailure("only a running transfer finishes") }
        running[endpoint] = count == 1 ? nil : count - 1
        runningTotal -= 1
    }

    /// A waiting transfer was given up.
    mutating func remove(_ id: ID) { waiting.removeAll { $0.id == id } }
}
