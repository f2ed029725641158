import Testing

@testable import RaftSimulation

/// What clients see of real nodes through deaths, pauses and disks that stand still, judged like the histories of the simulated world.
extension ProcessTests {
    @Test(
        "whatever happens to real nodes, what their clients were told has an order, and nothing is read that was overtaken"
    )
    func historyIsLinearizable() async throws {
        try await ClusterProcesses.run { cluster in
            let history = ClientHistory(cluster)
            let terms = try await cluster.term()
            try await history.record(clientsOfEachNode: 3) {
                for _ in 0..<2 { try await cluster.suffer(with: history) }
            }
            #expect(history.complaints == [])
            history.expectLinearizable()
            let reads = history.expectReadsNeverGoBack()
            let requests = history.requests
            let cancellations = requests.count { $0.kind == .cancel && $0.returnedAt != .max }
            let keys = Set(requests.map(\.key)).count
            let elections = try await cluster.term() - terms
            // Less would show nothing.
            #expect(keys >= 50 && reads >= 500 && cancellations >= 50 && elections >= 3)
            print(
                """
                \(requests.count) requests for \(keys) keys, \(history.unknown) of unknown outcome, \(reads) strong reads, \
                \(cancellations) cancellations, \(elections) terms\
                \(StalledDisk.obstacle.map { "; no disk stood still: \($0)" } ?? "")
                """)
        }
    }

    @Test("a history that read what was overtaken, or lost what was acknowledged, is found out")
    func badHistories() {
        func request(
            _ kind: ClientHistory.Request.Kind, _ called: UInt64, _ returned: UInt64 = .max, _ status: String? = nil
        ) -> ClientHistory.Request {
            .init(key: 0, kind: kind, calledAt: called, returnedAt: returned, status: status)
        }
        func verdict(_ requests: ClientHistory.Request...) -> Bool {
            ClientHistory.verdict(requests) == .linearizable
        }
        let made = request(.create, 1, 2)
        #expect(verdict(made, request(.read, 3, 4, "pending")))
        #expect(!verdict(made, request(.read, 3, 4)), "lost")
        let cancelled = request(.cancel, 3, 6)
        #expect(verdict(made, cancelled, request(.read, 4, 5, "pending"), request(.read, 4, 5, "cancelled")))
        #expect(!verdict(made, cancelled, request(.read, 7, 8, "pending")), "overtaken")
        // Nobody knows when, or whether, this one took effect; once it has, it has.
        let open = request(.cancel, 3)
        #expect(verdict(made, open, request(.read, 9, 10, "pending"), request(.read, 11, 12, "cancelled")))
        #expect(!verdict(made, open, request(.read, 9, 10, "cancelled"), request(.read, 11, 12, "pending")))
    }
}

extension ClusterProcesses {
    fileprivate func term() async throws -> Int64 {
        try await eventually("a term") { await view(balancerPort)?.term }
    }

    /// A death, a pause and a disk that stands still, each of whoever leads then, and requests that are answered meanwhile.
    fileprivate func suffer(with history: ClientHistory) async throws {
        func work() async throws {
            let before = history.answered
            try await until("requests are answered") { history.answered >= before + 100 }
        }
        try await work()
        let killed = try await leader()
        try await kill(killed, "KILL")
        try await work()
        try await start(killed)
        try await waitUntilReady()

        let paused = try await leader()
        let unknown = history.unknown
        try await kill(paused, "STOP")
        try await work()
        // What they asked it for it does when it wakes, if at all.
        try await until("its clients give up") { history.unknown > unknown }
        try await kill(paused, "CONT")
        try await work()

        guard StalledDisk.obstacle == nil else { return }
        let stalled = try await leader()
        try await StalledDisk.run(of: [stalled], in: self) {
            try await until("another leads") { await hasSuccessor(stalled) }
            try await work()
        }
        try await waitUntilReady()
    }
}
