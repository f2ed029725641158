import Foundation
import Logging
import NIOCore
import Raft
import RaftServer
import Testing

@testable import amas

@Suite("Certificates in use")
struct CertificateLinkTests {
    private let now = Int(Date().timeIntervalSince1970)

    private func files(_ issued: CertificateAuthority.IssuedCertificate) -> PeerTransport.TLSFiles {
        PeerTransport.TLSFiles(
            certificate: issued.certificatePath, privateKey: issued.privateKeyPath, authorities: issued.authorityPath)
    }

    private func transport(
        _ node: UInt64, _ tls: PeerTransport.TLSFiles
    ) -> (transport: PeerTransport, events: AsyncStream<LinkEvent>) {
        let (events, continuation) = AsyncStream<LinkEvent>.makeStream()
        var limits = PeerTransport.Limits()
        limits.handshakeTimeout = .seconds(30)
        let transport = PeerTransport(
            configuration: .init(listen: PeerAddress(host: "127.0.0.1", port: 0), limits: limits),
            identity: .init(
                clusterID: "cluster-1", node: NodeID(node), incarnation: Incarnation(1), boot: BootID(1),
                machineVersionMax: 1, softwareVersion: "test"),
            tls: tls,
            callbacks: .init(
                isKnown: { _ in .accepted }, frame: { _, _, _, _ in .done },
                link: { _, event in continuation.yield(event) }),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return (transport, events)
    }

    /// The first link event of a node that dials another.
    private func firstEvent(
        dialler: PeerTransport.TLSFiles, acceptor: PeerTransport.TLSFiles
    ) async throws -> LinkEvent? {
        let first = transport(1, dialler)
        let second = transport(2, acceptor)
        let address = try await second.transport.start()
        _ = try await first.transport.start()
        first.transport.setPeers([NodeID(2): address])
        let event = await first.events.first { _ in true }
        await first.transport.stop()
        await second.transport.stop()
        return event
    }

    @Test("two nodes of one authority link")
    func link() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try CertificateAuthority.create(clusterID: "cluster-1", directory: path, now: now)
        let nodes = try [1, 2].map {
            files(try authority.issue(nodeID: NodeID($0), names: ["127.0.0.1"], directory: path, now: now))
        }
        guard case .up(let hello)? = try await firstEvent(dialler: nodes[0], acceptor: nodes[1]) else {
            Issue.record("not linked")
            return
        }
        #expect(hello.node == NodeID(2))
    }

    @Test("nodes of two authorities of the same name do not, nor does one with another node's certificate")
    func noLink() async throws {
        let folder = try TemporaryFolder()
        let paths = ["\(folder.path)/a", "\(folder.path)/b"]
        let authorities = try paths.map {
            try CertificateAuthority.create(clusterID: "cluster-1", directory: $0, now: now)
        }
        let first = files(try authorities[0].issue(nodeID: NodeID(1), names: [], directory: paths[0], now: now))
        let second = files(try authorities[1].issue(nodeID: NodeID(2), names: [], directory: paths[1], now: now))
        let third = files(try authorities[0].issue(nodeID: NodeID(3), names: [], directory: paths[0], now: now))
        for acceptor in [second, third] {
            guard case .down(.handshake)? = try await firstEvent(dialler: first, acceptor: acceptor) else {
                Issue.record("linked")
                return
            }
        }
    }
}
