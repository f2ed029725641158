import NIOCore
import Raft
import RaftServer
import Synchronization
import Testing

/// Refusals over real sockets: each side must log the reason and neither may pass a frame.
@Suite("Handshakes that must fail")
struct HandshakeTests {
    private func isRefusal(_ cause: LinkDownCause, _ reason: HandshakeRefusal.Reason, byPeer: Bool) -> Bool {
        switch cause {
        case .handshake(.refusedHere(let refusal)): !byPeer && refusal.reason == reason
        case .handshake(.refusedByPeer(let refusal)): byPeer && refusal.reason == reason
        default: false
        }
    }

    /// `dialler` dials `acceptor`, which refuses; both log the reason, and the dialler goes on trying.
    private func expectRefused(
        _ dialler: TestNode, _ acceptor: TestNode, _ reason: HandshakeRefusal.Reason
    ) async throws {
        try await withNodes(dialler, acceptor) {
            let address = try await acceptor.start()
            _ = try await dialler.start()
            dialler.transport.setPeers([NodeID(acceptor.id): address])
            await dialler.recorder.waitForDown(acceptor.id) { isRefusal($0, reason, byPeer: true) }
            await condition { acceptor.log.warned("\(reason)") && dialler.log.warned("\(reason)") }
            await dialler.recorder.wait { $0.count >= 2 }
            #expect(dialler.transport.send([1], kind: TestNode.kind, to: NodeID(acceptor.id)) == .linkDown)
            #expect(acceptor.recorder.all.isEmpty)
        }
    }

    @Test("another cluster")
    func otherCluster() async throws {
        try await expectRefused(TestNode(1, clusterID: "other"), TestNode(2), .otherCluster)
    }

    @Test("the acceptor's own id")
    func ownIdentity() async throws {
        // A node cannot name itself as a peer, so this one is played by hand.
        let acceptor = TestNode(2)
        try await withNodes(acceptor) {
            let raw = try await RawPeer.dial(try await acceptor.start())
            await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(2))
            #expect(await raw.frame(FrameKind(rawValue: 2)) != nil)
            try await raw.waitForClose()
            #expect(acceptor.log.warned("this node's own id"))
        }
    }

    @Test("a node that is no member")
    func unknownNode() async throws {
        try await expectRefused(TestNode(1), TestNode(2, isKnown: { _ in .unknownNode }), .unknownNode)
    }

    @Test("a wiped disk: a known node with another incarnation")
    func otherIncarnation() async throws {
        let recorded = Incarnation(0xB2)
        let acceptor = TestNode(2) { hello in
            hello.incarnation == recorded ? .accepted : .otherIncarnation(recorded)
        }
        try await expectRefused(TestNode(1), acceptor, .otherIncarnation)
        #expect(
            acceptor.log.warned("with incarnation b2 of its folder, it came with a1: it must be replaced, not wiped"))
    }

    @Test("a link that stands is closed when the cluster turns out to know the peer with another folder")
    func otherIncarnationLater() async throws {
        let isLearnt = Atomic(false)
        let acceptor = TestNode(2) { _ in
            isLearnt.load(ordering: .relaxed) ? .otherIncarnation(Incarnation(0xB2)) : .accepted
        }
        let dialler = TestNode(1)
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await acceptor.recorder.waitForUp(1)
            isLearnt.store(true, ordering: .relaxed)
            await acceptor.recorder.waitForDown(1) { isRefusal($0, .otherIncarnation, byPeer: false) }
            await dialler.recorder.waitForDown(2) { isRefusal($0, .otherIncarnation, byPeer: true) }
        }
    }

    @Test("a certificate that names another node", arguments: ["amas://test-cluster/node/3", "amas://other/node/1"])
    func certificateNamesAnother(uri: String) async throws {
        let authority = try TestAuthority.cluster.get()
        let dialler = TestNode(1, tls: try authority.newNode(1, uri: uri))
        try await expectRefused(dialler, TestNode(2, tls: try authority.node(2)), .certificateNamesAnother)
    }

    @Test("the dialler, too, refuses a certificate that names another node")
    func acceptorsCertificate() async throws {
        let authority = try TestAuthority.cluster.get()
        let dialler = TestNode(1, tls: try authority.node(1))
        let acceptor = TestNode(2, tls: try authority.newNode(2, uri: "amas://test-cluster/node/3"))
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await dialler.recorder.waitForDown(2) { isRefusal($0, .certificateNamesAnother, byPeer: false) }
            await condition { acceptor.log.warned("certificate of another node") || acceptor.recorder.all.count > 1 }
        }
    }

    @Test("another node than the one that was dialled")
    func wrongNode() async throws {
        let dialler = TestNode(1)
        let acceptor = TestNode(3)
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await dialler.recorder.waitForDown(2) { isRefusal($0, .wrongNode, byPeer: false) }
            #expect(dialler.log.warned("node 3 answers where node 2 was dialled"))
            // The acceptor, which had accepted, hears why it was left.
            await acceptor.recorder.waitForDown(1) { isRefusal($0, .wrongNode, byPeer: true) }
        }
    }

    @Test("a certificate of another authority")
    func otherAuthority() async throws {
        let dialler = TestNode(1, tls: try TestAuthority.stranger.get().node(1))
        let acceptor = TestNode(2, tls: try TestAuthority.cluster.get().node(2))
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await dialler.recorder.waitForDown(2) { if case .handshake(.tls) = $0 { true } else { false } }
            #expect(acceptor.recorder.all.isEmpty)
            #expect(dialler.log.warned("CERTIFICATE_VERIFY_FAILED"))
        }
    }

    @Test("only the dialler's certificate is of another authority")
    func dialerOfOtherAuthority() async throws {
        let cluster = try TestAuthority.cluster.get()
        var files = try TestAuthority.stranger.get().node(1)
        files.authorities = try cluster.node(9).authorities
        let dialler = TestNode(1, tls: files)
        let acceptor = TestNode(2, tls: try cluster.node(2))
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await dialler.recorder.waitForDown(2) { if case .handshake = $0 { true } else { false } }
            await condition { acceptor.log.warned("CERTIFICATE_VERIFY_FAILED") }
            #expect(acceptor.recorder.all.isEmpty)
        }
    }

    @Test("plaintext where TLS is spoken, and TLS where plaintext is", arguments: [true, false])
    func plaintextAgainstTLS(diallerUsesTLS: Bool) async throws {
        let authority = try TestAuthority.cluster.get()
        let dialler = TestNode(1, tls: diallerUsesTLS ? try authority.node(1) : nil)
        let acceptor = TestNode(2, tls: diallerUsesTLS ? nil : try authority.node(2))
        try await withNodes(dialler, acceptor) {
            dialler.transport.setPeers([NodeID(2): try await acceptor.start()])
            _ = try await dialler.start()
            await dialler.recorder.waitForDown(2) { $0 != .refused && $0 != .timeout }
            await condition { acceptor.log.warnings.count > 0 }
            #expect(!dialler.recorder.all.contains { $0.isUp(2) })
            #expect(acceptor.recorder.all.isEmpty)
        }
    }

    @Test("a process older than one that was here")
    func olderBoot() async throws {
        let acceptor = TestNode(1)
        let newer = TestNode(2, boot: 6)
        let older = TestNode(2, boot: 5)
        try await withNodes(acceptor, newer, older) {
            let address = try await acceptor.start()
            for node in [newer, older] {
                _ = try await node.start()
                node.transport.setPeers([NodeID(1): address])
                if node.transport === newer.transport { await acceptor.recorder.waitForUp(2) }
            }
            await older.recorder.waitForDown(1) { isRefusal($0, .olderBoot, byPeer: true) }
            #expect(acceptor.recorder.all == [.up(NodeID(2), BootID(6))])
        }
    }

    @Test("a connection that says nothing, or half a hello, ends in time")
    func silent() async throws {
        var limits = TestNode.patient
        limits.handshakeTimeout = .milliseconds(100)
        let acceptor = TestNode(1, limits: limits)
        try await withNodes(acceptor) {
            let address = try await acceptor.start()
            let mute = try await RawPeer.dial(address)
            let halting = try await RawPeer.dial(address)
            await halting.send(ByteBuffer(bytes: [10, 0, 0, 0, 1]))
            try await mute.waitForClose()
            try await halting.waitForClose()
            #expect(acceptor.log.warned("no greeting in time"))
        }
    }

    @Test("a dialled peer that takes the connection and says nothing is a failed handshake, not a dead process")
    func silentAcceptor() async throws {
        var limits = TestNode.patient
        limits.handshakeTimeout = .milliseconds(100)
        let dialler = TestNode(1, limits: limits)
        let listener = try SilentListener(backlog: 16)
        defer { listener.close() }
        try await withNodes(dialler) {
            _ = try await dialler.start()
            dialler.transport.setPeers([NodeID(2): listener.address])
            await dialler.recorder.waitForDown(2) { $0 == .handshake(.silent) }
        }
    }

    @Test("frames, garbage and overlong hellos before the hello end the connection")
    func noHello() async throws {
        let acceptor = TestNode(1)
        let maximum = PeerTransport.Limits().maximumHelloBytes
        try await withNodes(acceptor) {
            let address = try await acceptor.start()
            let attempts: [(FrameKind, ByteBuffer)] = [
                (TestNode.kind, ByteBuffer(bytes: [1])),
                (FrameKind(rawValue: 1), ByteBuffer(repeating: 0, count: 10)),
                (FrameKind(rawValue: 1), ByteBuffer(repeating: 0, count: maximum + 1)),
                (FrameKind(rawValue: 3), ByteBuffer()),
            ]
            for (kind, payload) in attempts {
                let raw = try await RawPeer.dial(address)
                await raw.send(kind, payload)
                try await raw.waitForClose()
            }
            let raw = try await RawPeer.dial(address)
            await raw.send(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: node\r\n\r\n"))
            try await raw.waitForClose()
            #expect(acceptor.recorder.all.isEmpty)
            #expect(acceptor.log.warned("unreadable greeting"))
            #expect(acceptor.log.warned("limit: \(maximum)"))
        }
    }

    @Test("a second hello breaks the protocol")
    func secondHello() async throws {
        let acceptor = TestNode(1)
        try await withNodes(acceptor) {
            let raw = try await RawPeer.dial(try await acceptor.start())
            for _ in 0..<2 { await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(2)) }
            try await raw.waitForClose()
            #expect(acceptor.recorder.all.first?.isUp(2) == true)
        }
    }

    @Test("strangers past the limits are turned away")
    func limits() async throws {
        var limits = TestNode.patient
        limits.uninvitedLinks = 2
        limits.greetings = 3
        let acceptor = TestNode(1, limits: limits)
        try await withNodes(acceptor) {
            let address = try await acceptor.start()
            var peers: [RawPeer] = []
            for node in [2, 3] as [UInt64] {
                let raw = try await RawPeer.dial(address)
                await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(node))
                await acceptor.recorder.waitForUp(node)
                peers.append(raw)
            }
            let third = try await RawPeer.dial(address)
            await third.send(FrameKind(rawValue: 1), RawPeer.helloBytes(4))
            try await third.waitForClose()
            await condition { acceptor.log.warned("too many connections") }
            // One that leaves makes room.
            try await peers[0].close()
            await acceptor.recorder.waitForDown(2)
            let fourth = try await RawPeer.dial(address)
            await fourth.send(FrameKind(rawValue: 1), RawPeer.helloBytes(4))
            await acceptor.recorder.waitForUp(4)

            var mute: [RawPeer] = []
            for _ in 0...limits.greetings { mute.append(try await RawPeer.dial(address)) }
            try await mute[limits.greetings].waitForClose()
        }
    }
}
