import Agents
import ClusterState
import Foundation
import LoopbackClient
import Testing

/// Nodes of two versions in one cluster, and the way from one to the other.
extension ProcessTests {
    private static let newest = Int64(ClusterState.supportedMachineVersion)

    @Test(
        "a cluster is as old as its oldest node; once none is left that is old there is no way back, and one that tries says so"
    )
    func nodesAreUpgradedInTurn() async throws {
        let old = ["AMAS_CLUSTER_COMPAT_VERSION": "\(Self.newest - 1)"]
        try await ClusterProcesses.run(environment: old) { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 3, toEachNode: 0, paceMilliseconds: 60) {
                let names = cluster.nodes.map(\.name)
                for name in names.dropLast() {
                    try await cluster.restart(name, under: load)
                    #expect(try await cluster.machineVersion() == Self.newest - 1)
                }
                // Until the last one can, everybody can go back.
                try await cluster.restart(names[1], environment: old, under: load)
                #expect(try await cluster.machineVersion() == Self.newest - 1)
                try await cluster.restart(names[1], under: load)
                try await cluster.restart(names[2], under: load)
                try await until("the gate opens") { try await cluster.machineVersion() == Self.newest }

                try await cluster.stop(names[2])
                try await cluster.start(names[2], environment: old)
                try await cluster.expectStopped(names[2])
                let before = load.acceptedCount
                try await until("the others go on") { load.acceptedCount >= before + 60 }
                #expect(try cluster.roles(of: names[2]).last != "leader")
                try await cluster.restart(names[2], under: load)
            }
            #expect(load.report.failedThroughBalancer == [])
            #expect(load.report.contradictions == [])
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.hashesAtOneIndex().hashes.count == 1)
            print("\(load.report.accepted.count) tasks, \(load.report.answeredThroughBalancer) answers, 0 failures")
        }
    }

    /// The folder of the version before, built there.
    private static var previous: String? { ProcessInfo.processInfo.environment["AMAS_PREVIOUS_PROJECT"] }

    @Test(
        "the version before is upgraded node by node under load, once back and forth: no request behind the balancer fails",
        .enabled(if: previous != nil, "takes a build of the version before: ./cluster/test upgrade"))
    func previousVersionIsUpgraded() async throws {
        let previous = try #require(Self.previous)
        try await ClusterProcesses.run(project: previous) { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 3, toEachNode: 0, paceMilliseconds: 60) {
                let names = cluster.nodes.map(\.name)
                let version = try await cluster.machineVersion()
                for (name, isNew) in [(names[0], true), (names[1], true), (names[1], false), (names[1], true)] {
                    try cluster.give(name, programOf: isNew ? ClusterProcesses.project : previous)
                    try await cluster.restart(name, under: load)
                    #expect(try await cluster.machineVersion() == version)
                }
                try cluster.give(names[2], programOf: ClusterProcesses.project)
                try await cluster.restart(names[2], under: load)
                try await until("the gate opens") { try await cluster.machineVersion() == Self.newest }
                if version < Self.newest {
                    try cluster.give(names[2], programOf: previous)
                    try await cluster.stop(names[2])
                    try await cluster.start(names[2])
                    try await cluster.expectStopped(names[2])
                    try cluster.give(names[2], programOf: ClusterProcesses.project)
                    try await cluster.restart(names[2], under: load)
                }
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
    /// Stops a node in good order and starts it again, with the clients at work before and after.
    fileprivate func restart(_ node: String, environment: [String: String] = [:], under load: Load) async throws {
        func work() async throws {
            let before = load.acceptedCount
            try await until("more tasks") { load.acceptedCount >= before + 30 }
        }
        try await work()
        try await stop(node)
        try await start(node, environment: environment)
        try await waitUntilReady()
        try await work()
    }

    /// From its next start on the node runs the debug build of that project.
    fileprivate func give(_ node: String, programOf project: String) throws {
        let link = "\(folder)/nodes/\(node)/amas"
        try? FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "\(project)/.build/debug/amas")
    }

    fileprivate func machineVersion() async throws -> Int64 {
        try #require(
            try await request(balancerPort, "GET", "/api/v1/cluster").json["machine_version"]?.integerValue)
    }

    /// Waits until the node neither serves nor follows, and says why.
    fileprivate func expectStopped(_ node: String) async throws {
        let port = port(of: node)
        let reply = try await eventually("\(node) stops taking part") {
            let reply = try await request(port, "GET", "/readyz")
            return reply.text.contains("upgrade this node") ? reply : nil
        }
        #expect(reply.status == 503)
        let health = try await request(port, "GET", "/api/v1/health").json
        #expect(health["status"]?.stringValue == "down")
        #expect(await view(port)?.leader == nil)
        let refusal = try await request(port, "POST", "/api/v1/tasks", body: Load.small(0))
        #expect(refusal.status == 503)
        #expect(try log(of: node).contains { $0["level"] == .string("critical") })
    }

    fileprivate func roles(of node: String) throws -> [String] {
        try log(of: node).compactMap { $0["metadata"]?["role"]?.stringValue }
    }
}
