import Agents
import ClusterState
import Foundation
import LoopbackClient
import Testing

/// Nodes of two versions in one cluster, and the way from one to the other.
extension ProcessTests {
    /// Whose program runs, and with which settings.
    fileprivate struct Version: Sendable {
        var project = ClusterProcesses.project
        var environment: [String: String] = [:]
    }

    private static let newest = Int64(ClusterState.supportedMachineVersion)
    /// The folder of the version before, built there.
    private static var previous: String? { ProcessInfo.processInfo.environment["AMAS_PREVIOUS_PROJECT"] }

    @Test("nodes that do no more than the version before are upgraded in turn: nobody behind the balancer notices")
    func nodesAreUpgradedInTurn() async throws {
        try await upgrade(from: Version(environment: ["AMAS_CLUSTER_COMPAT_VERSION": "\(Self.newest - 1)"]))
    }

    @Test(
        "the program of the version before is upgraded in turn: nobody behind the balancer notices",
        .enabled(if: previous != nil, "takes a build of the version before: ./cluster/test upgrade"))
    func previousVersionIsUpgraded() async throws {
        try await upgrade(from: Version(project: try #require(Self.previous)))
    }

    /// A cluster is as old as its oldest node; once none is old there is no way back, and one that tries says so.
    private func upgrade(from old: Version) async throws {
        let new = Version()
        try await ClusterProcesses.run(environment: old.environment, project: old.project) { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 3, toEachNode: 0, paceMilliseconds: 60) {
                let names = cluster.nodes.map(\.name)
                let version = try await cluster.machineVersion()
                // Until the last one can, everybody can go back.
                for (name, next) in [(names[0], new), (names[1], new), (names[1], old), (names[1], new)] {
                    try await cluster.restart(name, as: next, under: load)
                    #expect(try await cluster.machineVersion() == version)
                }
                try await cluster.restart(names[2], as: new, under: load)
                try await until("the gate opens") { try await cluster.machineVersion() == Self.newest }
                // The version before may have had the same format.
                guard version < Self.newest else { return }
                try await cluster.stop(names[2])
                try await cluster.start(names[2], as: old)
                try await cluster.expectStopped(names[2])
                try await cluster.restart(names[2], as: new, under: load)
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
    fileprivate func restart(_ node: String, as version: ProcessTests.Version, under load: Load) async throws {
        try await stop(node)
        try await start(node, as: version)
        try await waitUntilReady()
        try await load.goOn()
    }

    fileprivate func start(_ node: String, as version: ProcessTests.Version) async throws {
        let link = "\(folder)/nodes/\(node)/amas"
        try? FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "\(version.project)/.build/debug/amas")
        try await start(node, environment: version.environment)
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
