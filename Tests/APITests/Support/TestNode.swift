import API
import Agents
import Foundation
import Logging
import Telemetry

/// A real server on a free port over a `TestCluster`, with a workspace folder of its own.
final class TestNode: Sendable {
    static let key = "the-key-of-the-tests"

    let cluster: TestCluster
    let server: APIServer
    let registry = MetricsRegistry()
    let folder: URL
    var port: Int { server.port ?? 0 }

    private init(
        cluster: TestCluster, store: (any TaskStore)?, access: any AccessPolicy,
        _ change: (inout APIConfiguration) -> Void
    ) throws {
        self.cluster = cluster
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("amas-api-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("let x = 1\n".utf8).write(to: folder.appendingPathComponent("one.swift"))
        var configuration = APIConfiguration(host: "127.0.0.1", port: 0, version: "1.2.3")
        configuration.limits.drainSpreadMilliseconds = 20
        configuration.limits.closeMilliseconds = 100
        change(&configuration)
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        server = APIServer(
            configuration,
            APIServices(
                cluster: cluster, store: store, access: access, catalog: .builtIn(),
                workspace: try Workspace(roots: [folder.path]), registry: registry), logger: logger)
    }

    /// Runs a node for the time of `body`.
    static func run(
        cluster: TestCluster = TestCluster(), store: (any TaskStore)? = nil,
        access: any AccessPolicy = APIKeyAccess(key: TestNode.key),
        configure: (inout APIConfiguration) -> Void = { _ in }, _ body: (TestNode) async throws -> Void
    ) async throws {
        let node = try TestNode(cluster: cluster, store: store, access: access, configure)
        let result: Result<Void, any Error>
        do {
            try await node.server.start()
            result = .success(try await body(node))
        } catch {
            result = .failure(error)
        }
        await node.server.stop()
        try? FileManager.default.removeItem(at: node.folder)
        try result.get()
    }
}
