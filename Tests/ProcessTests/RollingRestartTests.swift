import Agents
import Testing

/// Every node is stopped in good order and started again, one after the other, as for a new version.
extension ProcessTests {
    @Test(
        "while every node in turn is stopped and started nobody behind the balancer notices, and no task is begun twice"
    )
    func nodesAreRestartedInTurn() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            let follower = EventFollower(cluster, ports: [cluster.balancerPort])
            let direct = EventFollower(cluster, ports: cluster.ports)
            try await follower.follow {
                try await direct.follow {
                    var handovers = 0
                    // Whoever leads first is stopped first: then leadership is handed over at least once.
                    let first = try await cluster.leader()
                    let order = [first] + cluster.nodes.map(\.name).filter { $0 != first }
                    try await load.run(throughBalancer: 3, withoutKey: 3, toEachNode: 0, paceMilliseconds: 60) {
                        for node in order {
                            let before = load.acceptedCount
                            try await until("more tasks") { load.acceptedCount >= before + 60 }
                            try await cluster.stop(node)
                            try cluster.expectGoodOrder(of: node)
                            let successor = try await cluster.leader()
                            #expect(successor != node)
                            if try cluster.ledWhenAskedToEnd(node) {
                                handovers += 1
                                try cluster.expectHandedLeadership(successor)
                            }
                            try await cluster.start(node)
                            try await cluster.waitUntilReady()
                        }
                        let before = load.acceptedCount
                        try await until("the last tasks") { load.acceptedCount >= before + 60 }
                    }
                    #expect(load.report.failedThroughBalancer == [])
                    let replay = try await cluster.expectEachTaskOnce(load, [follower, direct])
                    // Every request was answered, so there is no task that nobody was told of: none came of a repetition.
                    #expect(Set(replay.endings.keys) == Set(load.report.accepted.keys))
                    #expect(replay.starts.filter { $0.value != 1 } == [:], "a node that leaves ends what it has begun")
                    #expect(direct.seen.resumed >= 1)
                    #expect(handovers >= 1)
                    print(
                        """
                        \(load.report.accepted.count) tasks, \(load.report.answeredThroughBalancer) answers through the \
                        balancer, 0 failures; \(handovers) handovers; \
                        \(follower.seen.resumed + direct.seen.resumed) resumptions; \
                        \(replay.duplicates) commands came twice
                        """)
                }
            }
        }
    }
}

extension ClusterProcesses {
    /// A node that was stopped did all its steps in time.
    fileprivate func expectGoodOrder(of node: String) throws {
        let leaving = try log(of: node).drop { $0.message != "stopping" }
        #expect(leaving.last?.message == "stopped", "\(node) did not come to the end")
        let complaints = leaving.filter { $0.message.hasPrefix("stopping") && $0["level"] == .string("warning") }
        #expect(complaints.isEmpty, "\(node) took too long")
        #expect(!leaving.contains { $0.message == "nobody has taken over leadership" })
    }

    fileprivate func ledWhenAskedToEnd(_ node: String) throws -> Bool {
        try log(of: node).prefix { $0.message != "stopping" }.last { $0.message == "raft role" }?.role == "leader"
    }

    /// After silence a campaign begins with the question whether others hear a leader; who is handed leadership does not ask.
    fileprivate func expectHandedLeadership(_ node: String) throws {
        let roles = try log(of: node).filter { $0.message == "raft role" }.map(\.role)
        let campaign = roles.prefix(through: roles.lastIndex(of: "leader") ?? 0).suffix(3)
        #expect(Array(campaign.dropFirst()) == ["candidate", "leader"])
        #expect(campaign.first == "follower", "leadership was taken, not handed over")
    }
}

extension JSONValue {
    fileprivate var message: String { self["message"]?.stringValue ?? "" }
    fileprivate var role: String { self["metadata"]?["role"]?.stringValue ?? "" }
}
