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
            try await history.record(clients: 9) {
                func work() async throws {
                    let before = history.answered
                    try await until("requests are answered") { history.answered >= before + 150 }
                }
                for round in 0..<2 {
                    try await work()
                    let leader = try await cluster.leader()
                    try await cluster.kill(leader, "KILL")
                    try await work()
                    try await cluster.start(leader)
                    try await cluster.waitUntilReady()

                    let paused = round == 0 ? try await cluster.leader() : leader
                    try await cluster.kill(paused, "STOP")
                    try await work()
                    try await cluster.kill(paused, "CONT")
                    try await work()

                    guard StalledDisk.obstacle == nil else { continue }
                    let stalled = try await cluster.leader()
                    try await StalledDisk.run(of: [stalled], in: cluster) {
                        try await until("another leads") {
                            for node in cluster.nodes where node.name != stalled {
                                if let leader = await cluster.view(node.port)?.leader, leader != stalled { return true }
                            }
                            return false
                        }
                        try await work()
                    }
                    try await cluster.waitUntilReady()
                }
            }
            #expect(history.complaints == [])
            history.expectLinearizable()
            let reads = history.expectReadsNeverGoBack()
            let requests = history.requests
            let unknown = requests.count { $0.returnedAt == .max }
            let keys = Set(requests.map(\.key)).count
            let elections = try await cluster.term() - terms
            // Less would show nothing.
            #expect(history.answered >= 1000 && keys >= 60 && reads >= 400 && elections >= 3)
            #expect(requests.count { $0.kind == .cancel && $0.returnedAt != .max } >= 60)
            print(
                """
                \(requests.count) requests for \(keys) keys, \(unknown) of unknown outcome, \(reads) strong reads, \
                \(elections) terms\(StalledDisk.obstacle.map { "; no disk stood still: \($0)" } ?? "")
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
        func verdict(_ requests: [ClientHistory.Request]) -> Linearizability.Verdict {
            Linearizability.check(
                requests.compactMap(ClientHistory.event), from: TaskModel.State(), step: TaskModel.step)
        }
        let made = request(.create, 1, 2)
        #expect(verdict([made, request(.read, 3, 4, "pending")]) == .linearizable)
        #expect(verdict([made, request(.read, 3, 4)]) == .notLinearizable, "lost")
        let cancelled = [made, request(.cancel, 3, 6)]
        #expect(
            verdict(cancelled + [request(.read, 4, 5, "pending"), request(.read, 4, 5, "cancelled")]) == .linearizable)
        #expect(verdict(cancelled + [request(.read, 7, 8, "pending")]) == .notLinearizable, "overtaken")
        let open = [made, request(.cancel, 3)]
        #expect(
            verdict(open + [request(.read, 9, 10, "pending"), request(.read, 11, 12, "cancelled")]) == .linearizable)
        #expect(
            verdict(open + [request(.read, 9, 10, "cancelled"), request(.read, 11, 12, "pending")]) == .notLinearizable)
    }
}

extension ClusterProcesses {
    fileprivate func term() async throws -> Int64 {
        try await eventually("a term") { await view(balancerPort)?.term }
    }
}
