import Foundation
import NIOCore
import Raft
import RaftServer
import Testing

@Suite("Certificates of a running node")
struct CertificateReloadTests {
    /// Puts the files of `source` where those of `target` are.
    private func replace(_ target: PeerTransport.TLSFiles, by source: PeerTransport.TLSFiles) throws {
        for (from, to) in [(source.certificate, target.certificate), (source.privateKey, target.privateKey)] {
            try Data(contentsOf: URL(fileURLWithPath: from)).write(to: URL(fileURLWithPath: to), options: .atomic)
        }
    }

    @Test("new files are used by new connections, without a restart and without being told")
    func reload() async throws {
        var limits = TestNode.patient
        limits.certificateCheckInterval = .milliseconds(50)
        let authority = try TestAuthority.cluster.get()
        let files = try authority.newNode(2, uri: "amas://test-cluster/node/77")
        let first = TestNode(1, tls: try authority.node(1))
        let second = TestNode(2, tls: files, limits: limits)
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForDown(2) { if case .handshake = $0 { true } else { false } }
            try replace(files, by: try authority.node(2))
            await first.recorder.waitForUp(2)
            await second.recorder.waitForUp(1)
        }
    }

    @Test("files that cannot be used leave the old ones in use, and the log says so")
    func brokenFiles() async throws {
        let authority = try TestAuthority.cluster.get()
        let files = try authority.newNode(2)
        let first = TestNode(1, tls: try authority.node(1))
        let second = TestNode(2, tls: files)
        try await withNodes(first, second) {
            let address = try await second.start()
            // The key of another certificate.
            try Data(contentsOf: URL(fileURLWithPath: try authority.node(3).privateKey))
                .write(to: URL(fileURLWithPath: files.privateKey), options: .atomic)
            await #expect(throws: PeerTransportError.self) { try await second.transport.reloadCertificates() }
            #expect(second.log.warned("certificates not reloaded"))
            _ = try await first.start()
            first.transport.setPeers([NodeID(2): address])
            await first.recorder.waitForUp(2)
        }
    }

    @Test("a node without usable certificates does not start, and names the files")
    func missing() async throws {
        let node = TestNode(
            1, tls: .init(certificate: "/no/such.crt", privateKey: "/no/such.key", authorities: "/no/ca.crt"))
        let error = await #expect(throws: PeerTransportError.self) { try await node.start() }
        guard case .certificates(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("/no/such.crt"))
    }

    @Test("a certificate that ends soon is announced")
    func expiry() async throws {
        let node = TestNode(1, tls: try TestAuthority.cluster.get().newNode(1, days: 2))
        try await withNodes(node) {
            _ = try await node.start()
            await condition { node.log.warned("expires soon") }
        }
    }
}
