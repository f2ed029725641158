import Testing

/// PostgreSQL goes away under load; what is accepted meanwhile is kept by the nodes and written when it is back.
extension ProcessTests {
    @Test("while PostgreSQL is down nothing is refused, and when it is back everything is written once")
    func databaseIsDown() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            let follower = EventFollower(cluster, ports: [cluster.balancerPort])
            try await follower.follow {
                try await load.run(throughBalancer: 6, toEachNode: 0, paceMilliseconds: 20) {
                    try await until("tasks") { load.acceptedCount >= 50 }
                    try await cluster.killDatabase()
                    let before = load.acceptedCount
                    // The death of the leader in the middle of it is no excuse.
                    try await until("more tasks") { load.acceptedCount >= before + 200 }
                    let leader = try await cluster.leader()
                    try await cluster.kill(leader, "KILL")
                    try await until("still more tasks") { load.acceptedCount >= before + 400 }
                    #expect(await cluster.view(cluster.balancerPort)?.unpersisted ?? 0 >= 350)
                    try await cluster.startAgain()
                }
                try await cluster.expectEachTaskOnce(load, [follower])
                #expect(load.report.failedThroughBalancer == [])
            }
        }
    }
}
