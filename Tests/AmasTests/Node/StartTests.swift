import Foundation
import Glibc
import Testing

@Suite("A node that cannot start says why in one sentence")
struct StartTests {
    private func lines(_ outcome: Binary.Outcome) -> [String] {
        outcome.error.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("{") }
    }

    private func serve(_ nodes: TestNodes, _ overrides: String...) async throws -> Binary.Outcome {
        try await Binary.run(["serve", "--config", nodes.file(1)] + overrides.flatMap { ["--set", $0] })
    }

    @Test("a data folder of another cluster or another node")
    func foreignFolder() async throws {
        let nodes = try await TestNodes(1)
        do {
            let process = try nodes.serve(1)
            try await nodes.waitUntilReady([1: process])
            process.signal(SIGTERM)
            #expect(await process.wait() == 0)
        }
        let otherCluster = try await serve(nodes, "cluster.id=another")
        #expect(otherCluster.code == 1)
        #expect(lines(otherCluster).count == 1 && otherCluster.error.contains("test-cluster"), "\(otherCluster.error)")
        let members = "cluster.members=[{id: 2, name: b, peer: \"127.0.0.1:\(nodes.ports[0].peer)\"}]"
        let otherNode = try await serve(nodes, "cluster.node=2", members)
        #expect(otherNode.code == 1)
        #expect(lines(otherNode).count == 1 && otherNode.error.contains("node"), "\(otherNode.error)")
    }

    @Test("a data folder that was wiped: it is neither used nor made again by a start")
    func wipedFolder() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        process.signal(SIGKILL)
        _ = await process.wait()
        let second = try await Binary.run("init", "--config", nodes.file(1))
        #expect(second.code == 1)
        #expect(lines(second).count == 1 && second.error.contains("already is that of node 1"), "\(second.error)")
        try FileManager.default.removeItem(atPath: nodes.folder + "/data1")
        let wiped = try await serve(nodes)
        #expect(wiped.code == 1)
        #expect(lines(wiped).count == 1 && wiped.error.contains("must be replaced"), "\(wiped.error)")
    }

    @Test("a data folder in use")
    func folderInUse() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let second = try await serve(nodes)
        #expect(second.code == 1)
        #expect(lines(second) == ["error: the data folder \(nodes.folder)/data1 is in use by another process"])
    }

    @Test("a port in use, of the peers or of the clients", arguments: ["peer", "http"])
    func portInUse(which: String) async throws {
        let nodes = try await TestNodes(1)
        let port = which == "peer" ? nodes.ports[0].peer : nodes.ports[0].http
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        let outcome = try await serve(nodes)
        #expect(outcome.code == 1)
        #expect(lines(outcome) == ["error: cannot listen on 127.0.0.1:\(port): Address already in use"])
    }

    @Test("a certificate that is missing, or is none")
    func certificate() async throws {
        let nodes = try await TestNodes(1)
        let missing = try await serve(nodes, "cluster.certificate=/no/such.crt")
        #expect(missing.code == 2)
        #expect(missing.error.contains("cluster.certificate (--set): cannot be read: /no/such.crt"))
        let wrong = try await serve(nodes, "cluster.certificate=\(nodes.folder)/api-key")
        #expect(wrong.code == 1)
        #expect(lines(wrong).count == 1 && wrong.error.contains("api-key"), "\(wrong.error)")
    }

    @Test("an empty key file")
    func key() async throws {
        let nodes = try await TestNodes(1)
        try Data(" \n".utf8).write(to: URL(fileURLWithPath: nodes.folder + "/api-key"))
        let outcome = try await serve(nodes)
        #expect(outcome.code == 2)
        #expect(lines(outcome).count == 1 && outcome.error.contains("http.api_key_file"), "\(outcome.error)")
    }

    @Test("a node that did not start has bound nobody: it starts when the reason is gone")
    func laterStart() async throws {
        let nodes = try await TestNodes(1)
        _ = try await serve(nodes, "cluster.certificate=\(nodes.folder)/api-key")
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
    }
}
