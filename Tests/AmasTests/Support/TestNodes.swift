import Agents
import Foundation
import Glibc
import LoopbackServer
import Testing

/// Configured nodes of one cluster in a temporary folder, with certificates from `amas certs` and ports of their own.
final class TestNodes: Sendable {
    struct Failure: Error, CustomStringConvertible { var description: String }

    let folder: String
    let count: Int
    let ports: [(http: Int, peer: Int)]
    static let key = "amas_key-of-the-tests"

    init(_ count: Int, settings: String = "") async throws {
        self.count = count
        folder = NSTemporaryDirectory() + "amas-nodes-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder + "/workspace", withIntermediateDirectories: true)
        try Data("let a = 1\n".utf8).write(to: URL(fileURLWithPath: folder + "/workspace/a.swift"))
        try Data(Self.key.utf8).write(to: URL(fileURLWithPath: folder + "/api-key"))
        ports = try (0..<count).map { _ in (try TestPort.next(), try TestPort.next()) }
        try await Self.check(
            Binary.run("certs", "authority", "--cluster", "test-cluster", "--directory", folder + "/certs"))
        for id in 1...count {
            try await Self.check(
                Binary.run("certs", "node", "--directory", folder + "/certs", "--id", "\(id)", "--name", "127.0.0.1"))
            // The folder is made from what every node has; the test's own settings may be mistakes.
            try Data(configuration(id, "").utf8).write(to: URL(fileURLWithPath: file(id)))
            try await Self.check(Binary.run("init", "--new-cluster", "--config", file(id)))
            try Data(configuration(id, settings).utf8).write(to: URL(fileURLWithPath: file(id)))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private static func check(_ outcome: Binary.Outcome) throws {
        guard outcome.code == 0 else { throw Failure(description: outcome.error) }
    }

    func file(_ id: Int) -> String { folder + "/node\(id).yaml" }
    func url(_ id: Int) -> String { "http://127.0.0.1:\(ports[id - 1].http)" }
    var urls: String { (1...count).map(url).joined(separator: ",") }

    private func configuration(_ id: Int, _ settings: String) -> String {
        let members = (1...count).map {
            "    - {id: \($0), name: node\($0), peer: \"127.0.0.1:\(ports[$0 - 1].peer)\"}"
        }
        return """
            cluster:
              id: test-cluster
              node: \(id)
              data_folder: \(folder)/data\(id)
              listen: "127.0.0.1:\(ports[id - 1].peer)"
              certificate: \(folder)/certs/node-\(id).crt
              private_key: \(folder)/certs/node-\(id).key
              authorities: \(folder)/certs/ca.crt
              members:
            \(members.joined(separator: "\n"))
            http:
              listen: "127.0.0.1:\(ports[id - 1].http)"
              api_key_file: \(folder)/api-key
              balancer_milliseconds: 0
            workspace:
              roots: [\(folder)/workspace]
            \(settings)
            """
    }

    func serve(_ id: Int, _ overrides: String...) throws -> BinaryProcess {
        try BinaryProcess(["serve", "--config", file(id)] + overrides.flatMap { ["--set", $0] })
    }

    /// The command line against these nodes.
    func client(_ arguments: String..., urls: String? = nil) async throws -> Binary.Outcome {
        try await Binary.run(arguments, environment: environment(urls))
    }

    func environment(_ urls: String? = nil) -> [String: String] {
        ["AMAS_URL": urls ?? self.urls, "AMAS_TOKEN": Self.key]
    }

    /// Waits until every node is ready, or one has ended.
    func waitUntilReady(_ processes: [Int: BinaryProcess]) async throws {
        for (id, process) in processes {
            guard await Self.eventually({ try await self.get(id, "/readyz").status == 200 }) else {
                throw Failure(description: "node\(id) is not ready: \(process.error)")
            }
        }
    }

    func get(_ id: Int, _ path: String) async throws -> (status: Int, body: String) {
        try await request("GET", id, path)
    }

    func post(_ id: Int, _ path: String, _ body: String) async throws -> (status: Int, body: String) {
        try await request("POST", id, path, body)
    }

    private func request(_ method: String, _ id: Int, _ path: String, _ body: String = "") async throws -> (
        status: Int, body: String
    ) {
        let arguments =
            ["-s", "-m", "20", "-X", method, "-w", "\n%{http_code}", "-H", "Authorization: Bearer \(Self.key)"]
            + (body.isEmpty ? [] : ["-H", "Content-Type: application/json", "-d", body]) + [url(id) + path]
        let process = try BinaryProcess(arguments, executable: "/usr/bin/curl")
        _ = await process.wait()
        let lines = process.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// True as soon as the condition holds. A failed attempt counts as no.
    static func eventually(within limit: Duration = .seconds(60), _ condition: () async throws -> Bool) async -> Bool {
        let end = ContinuousClock().now + limit
        while ContinuousClock().now < end {
            if (try? await condition()) == true { return true }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }
}
