import Agents
import ClusterState
import LoopbackClient
import Testing

/// Nodes of two versions in one cluster, and the way from one to the other: one program, told to do no more than the version before.
extension ProcessTests {
    private static let newest = Int64(ClusterState.supportedMachineVersion)

    @Test(
        "a cluster is as old as its oldest node; once none is old there is no way back, and one that tries says so")
    func nodesAreUpgradedInTurn() async throws {
        let old = ["AMAS_CLUSTER_COMPAT_VERSION": "\(Self.newest - 1)"]
        try await ClusterProcesses.run(environment: old) { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 3, toEachNode: 0, paceMilliseconds: 60) {
                let names = cluster.nodes.map(\.name)
                // Until the last one can, everybody can go back.
                for (name, environment) in [(names[0], [:]), (names[1], [:]), (names[1], old), (names[1], [:])] {
                    try await cluster.restart(name, environment, under: load)
                    #expect(try await cluster.machineVersion() == Self.newest - 1)
                }
                try await cluster.restart(names[2], [:], under: load)
                try await until("the gate opens") { try await cluster.machineVersion() == Self.newest }

                try await cluster.stop(names[2])
                try await cluster.start(names[2], environment: old)
                try await cluster.expectStopped(names[2])
                try await cluster.restart(names[2], [:], under: load)
            }
            #expect(load.report.failedThroughBalancer == [])
            #expect(load.report.contradictions == [])
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.hashesAtOneIndex().hashes.count == 1)
            print("\(load.report.accepted.count) tasks, \(load.report.answeredThroughBalancer) answers, 0 failures")
        }
    }
}

extension ClusterProcesses {
    /// Stops a node in good order and starts it again, with the clients at work.
    fileprivate func restart(_ node: String, _ environment: [String: String], under load: Load) async throws {
        try await stop(node)
        try await start(node, environment: environment)
        try await waitUntilReady()
        try await load.goOn()
    }

    fileprivate func machineVersion() async throws -> Int64 {
        try #require(
            try await request(balancerPort, "GET", "/api/v1/cluster").json["machine_version"]?.integerValue)
    }

    /// Waits until the node neither serves nor follows, and says why.
    fileprivate func expectStopped(_ node: String) async throws {
        let port = port(of: node)
        try await until("\(node) stops taking part") {
            let reply = try await request(port, "GET", "/readyz")
            return reply.status == 503 && reply.text.contains("upgrade this node")
        }
        #expect(try await request(port, "GET", "/api/v1/health").json["status"]?.stringValue == "down")
        #expect(await view(port)?.leader == nil)
        #expect(try await request(port, "POST", "/api/v1/tasks", body: Load.small(0)).status == 503)
        #expect(try log(of: node).contains { $0["level"] == .string("critical") })
    }
}
