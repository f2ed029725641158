import LoopbackClient
import Testing

/// Three real nodes, PostgreSQL and the balancer, and the death of whoever leads.
extension ProcessTests {
    @Test("through three deaths of the leader every accepted task is done once and nobody behind the balancer notices")
    func leaderDies() async throws {
        try await ClusterProcesses.run { cluster in
            let leader = try await cluster.leader()
            let load = Load(cluster)
            // The first loses its node, the second is behind the balancer.
            let loser = EventFollower(cluster, ports: [cluster.port(of: leader)] + cluster.ports)
            let balanced = EventFollower(cluster, ports: [cluster.balancerPort])
            try await loser.follow {
                try await balanced.follow {
                    try await load.run(throughBalancer: 4, toEachNode: 1, paceMilliseconds: 60) {
                        for death in 1...3 {
                            try await until("more tasks") { load.acceptedCount >= death * 125 }
                            let leader = try await cluster.leader()
                            try await cluster.kill(leader, "KILL")
                            try await until("another leader") { try await cluster.leader() != leader }
                            try await cluster.start(leader)
                            try await cluster.waitUntilReady()
                        }
                        try await until("the last tasks") { load.acceptedCount >= 500 }
                    }
                    let replay = try await cluster.expectEachTaskOnce(load, [loser, balanced])
                    let report = load.report
                    #expect(report.failedThroughBalancer == [])
                    #expect(loser.seen.resumed >= 1)
                    print(
                        """
                        \(report.accepted.count) tasks, \(report.answeredThroughBalancer) answers through the balancer, \
                        0 failures; \(report.repeatedElsewhere) requests to dead nodes repeated elsewhere; \
                        \(replay.starts.values.reduce(0, +)) starts; \(replay.duplicates) commands came twice, \
                        \(replay.fenced) were fenced, \(replay.ofEndedSessions) came after their session
                        """)
                }
            }
        }
    }

    @Test("a node that is killed and started again at once leaves no task hanging")
    func quickRestart() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            let follower = EventFollower(cluster, ports: [cluster.balancerPort])
            try await follower.follow {
                try await load.run(throughBalancer: 4, toEachNode: 0, paceMilliseconds: 30) {
                    for round in 1...4 {
                        try await until("more tasks") { load.acceptedCount >= round * 40 }
                        // Every node in turn, whoever leads.
                        let node = cluster.nodes[round % cluster.nodes.count].name
                        try await cluster.kill(node, "KILL")
                        try await cluster.start(node)
                        try await cluster.waitUntilReady()
                    }
                }
                try await cluster.expectEachTaskOnce(load, [follower])
                #expect(load.report.failedThroughBalancer == [])
            }
        }
    }
}
