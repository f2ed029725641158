import Glibc
import NIOCore
import Raft
import RaftServer
import Testing

@Suite("Peers that fail")
struct FailureTests {
    private static let dieNow = FrameKind(application: 200)

    /// A node in a process of its own, which dies as a machine would kill it: without a word.
    private static func liveUntilKilled(node id: UInt64, peer: UInt64, at port: Int, _ tls: [String]) async throws {
        let files =
            tls.isEmpty ? nil : PeerTransport.TLSFiles(certificate: tls[0], privateKey: tls[1], authorities: tls[2])
        let node = TestNode(
            id, tls: files, onFrame: { _, kind, _ in if kind == Self.dieNow { kill(getpid(), SIGKILL) } })
        _ = try await node.start()
        node.transport.setPeers([NodeID(peer): PeerAddress(host: "127.0.0.1", port: port)])
        try await Task.sleep(for: .seconds(300))
    }

    @Test("a killed process is seen as closed at once", arguments: [false, true])
    func killedProcess(usesTLS: Bool) async throws {
        let authority = try TestAuthority.cluster.get()
        let child = usesTLS ? try authority.node(2) : nil
        let survivor = TestNode(1, tls: usesTLS ? try authority.node(1) : nil)
        try await withNodes(survivor) {
            let port = try await survivor.start().port
            let tls = child.map { [$0.certificate, $0.privateKey, $0.authorities] } ?? []
            async let death = offPool {
                await #expect(processExitsWith: .signal(SIGKILL)) { [port = port as Int, tls = tls as [String]] in
                    try await Self.liveUntilKilled(node: 2, peer: 1, at: port, tls)
                }
            }
            await survivor.recorder.waitForUp(2)
            #expect(survivor.transport.send([], kind: Self.dieNow, to: NodeID(2)) == .queued)
            await survivor.recorder.waitForDown(2) { $0 == .closed }
            _ = await death
        }
    }

    @Test("a child of the killed process that lives on does not hold its connections open")
    func orphan() async throws {
        let survivor = TestNode(1)
        try await withNodes(survivor) {
            let port = try await survivor.start().port
            async let death = offPool {
                await #expect(processExitsWith: .signal(SIGKILL)) { [port = port as Int] in
                    try await Self.liveWithChildUntilKilled(peerPort: port)
                }
            }
            await survivor.recorder.wait { $0.contains { $0.frame != nil } }
            let bytes = try #require(survivor.recorder.all.compactMap(\.frame).first?.payload)
            let orphan = try #require(pid_t(String(decoding: bytes, as: UTF8.self)))
            #expect(survivor.transport.send([], kind: Self.dieNow, to: NodeID(2)) == .queued)
            await survivor.recorder.waitForDown(2) { $0 == .closed }
            #expect(kill(orphan, SIGKILL) == 0, "it was alive until now")
            _ = await death
        }
    }

    private static func liveWithChildUntilKilled(peerPort: Int) async throws {
        let node = TestNode(2, onFrame: { _, kind, _ in if kind == Self.dieNow { kill(getpid(), SIGKILL) } })
        _ = try await node.start()
        node.transport.setPeers([NodeID(1): PeerAddress(host: "127.0.0.1", port: peerPort)])
        await node.recorder.waitForUp(1)
        let orphan = try ChildProcess(["sleep", "300"], output: "/dev/null").processID
        node.transport.send(Array("\(orphan)".utf8), kind: TestNode.kind, to: NodeID(1))
        try await Task.sleep(for: .seconds(300))
    }

    @Test("the dial after a death is refused, and says so at every attempt")
    func refused() async throws {
        let first = TestNode(1)
        let second = TestNode(2)
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            await second.transport.stop()
            await first.recorder.wait { $0.contains(.down(NodeID(2), .closed)) }
            await first.recorder.wait { $0.count { $0 == .down(NodeID(2), .refused) } >= 3 }
            #expect(first.transport.links.map(\.state) == [.down(.refused)])
            // Many attempts, one line.
            #expect(first.log.warnings.count { $0.contains("refused") } == 1)
        }
    }

    @Test("a host that does not answer is a timeout, not a refusal")
    func timeout() async throws {
        var limits = TestNode.patient
        limits.connectTimeout = .milliseconds(100)
        let listener = try SilentListener(backlog: 0)
        let filling = listener.fill()
        defer {
            for descriptor in filling { _ = close(descriptor) }
            listener.close()
        }
        let node = TestNode(1, limits: limits)
        try await withNodes(node) {
            _ = try await node.start()
            node.transport.setPeers([NodeID(2): listener.address])
            await node.recorder.wait { !$0.isEmpty }
            #expect(node.recorder.all.allSatisfy { $0 == .down(NodeID(2), .timeout) })
        }
    }

    @Test("names are resolved: refused if every address refuses, unreachable if there is no such name")
    func names() async throws {
        let node = TestNode(1)
        let former = TestNode(2)
        let port = try await former.start().port
        await former.transport.stop()
        try await withNodes(node) {
            _ = try await node.start()
            node.transport.setPeers([
                NodeID(2): PeerAddress(host: "localhost", port: port),
                NodeID(3): PeerAddress(host: "no-such-host.invalid", port: port),
            ])
            await node.recorder.waitForDown(2) { $0 == .refused }
            await node.recorder.waitForDown(3) { cause in
                switch cause {
                case .unreachable, .timeout: true
                default: false
                }
            }
        }
    }

    @Test("a node that comes back on its port is linked again, with its new boot")
    func reconnect() async throws {
        let first = TestNode(1)
        let second = TestNode(2)
        try await withNodes(first, second) {
            let addresses = try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            await second.transport.stop()
            await first.recorder.waitForDown(2) { $0 == .refused }
            let restarted = TestNode(2, boot: 2, listenPort: addresses.second.port)
            try await withNodes(restarted) {
                _ = try await restarted.start()
                restarted.transport.setPeers([NodeID(1): addresses.first])
                await first.recorder.wait { $0.contains(.up(NodeID(2), BootID(2))) }
                #expect(first.transport.send([5], kind: TestNode.kind, to: NodeID(2)) == .queued)
                await restarted.recorder.wait { $0.contains { $0.frame?.payload == [5] } }
            }
        }
    }

    @Test("a newer process of a node replaces the older one")
    func newerBoot() async throws {
        let first = TestNode(1)
        let older = TestNode(2, boot: 1)
        let newer = TestNode(2, boot: 2)
        try await withNodes(first, older, newer) {
            let addresses = try await TestNode.pair(first, older)
            await first.recorder.waitForUp(2)
            await older.recorder.waitForUp(1)
            let newerAddress = try await newer.start()
            newer.transport.setPeers([NodeID(1): addresses.first])
            await first.recorder.waitForDown(2) { $0 == .replaced(by: BootID(2)) }
            // The older process still answers at the known address and is refused from now on.
            await first.recorder.waitForDown(2) { cause in
                if case .handshake(.refusedHere(let refusal)) = cause { refusal.reason == .olderBoot } else { false }
            }
            first.transport.setPeers([NodeID(2): newerAddress])
            await first.recorder.wait { $0.contains(.up(NodeID(2), BootID(2))) }
        }
    }

    @Test("a peer that stops talking without closing is found by its silence, on either side")
    func halfOpen() async throws {
        var limits = TestNode.patient
        limits.silenceLimit = .milliseconds(300)
        let node = TestNode(1, limits: limits)
        try await withNodes(node) {
            let raw = try await RawPeer.dial(try await node.start())
            await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(2))
            await node.recorder.waitForUp(2)
            await node.recorder.waitForDown(2) { $0 == .timeout }
            try await raw.waitForClose()
        }
    }

    @Test("a stopped process is found by its silence, and linked again when it goes on")
    func stoppedProcess() async throws {
        var limits = TestNode.patient
        limits.silenceLimit = .milliseconds(300)
        let survivor = TestNode(1, limits: limits)
        try await withNodes(survivor) {
            let port = try await survivor.start().port
            async let death = offPool {
                await #expect(processExitsWith: .signal(SIGKILL)) { [port = port as Int] in
                    try await Self.liveUntilStoppedThenKilled(peerPort: port)
                }
            }
            await survivor.recorder.wait { $0.contains { $0.frame != nil } }
            let bytes = try #require(survivor.recorder.all.compactMap(\.frame).first?.payload)
            let child = try #require(pid_t(String(decoding: bytes, as: UTF8.self)))
            #expect(kill(child, SIGSTOP) == 0)
            await survivor.recorder.waitForDown(2) { $0 == .timeout }
            #expect(kill(child, SIGCONT) == 0)
            await survivor.recorder.waitForUp(2, times: 2)
            #expect(kill(child, SIGKILL) == 0)
            _ = await death
        }
    }

    private static func liveUntilStoppedThenKilled(peerPort: Int) async throws {
        let node = TestNode(2)
        _ = try await node.start()
        node.transport.setPeers([NodeID(1): PeerAddress(host: "127.0.0.1", port: peerPort)])
        await node.recorder.waitForUp(1)
        node.transport.send(Array("\(getpid())".utf8), kind: TestNode.kind, to: NodeID(1))
        try await Task.sleep(for: .seconds(300))
    }

    @Test("a peer that does not read loses frames at the limit, others do not")
    func outboundLimit() async throws {
        var limits = TestNode.patient
        limits.outboundBytes = 1_000_000
        limits.bulkOutboundBytes = 100_000
        limits.silenceLimit = .seconds(60)
        let node = TestNode(1, limits: limits)
        let healthy = TestNode(3)
        try await withNodes(node, healthy) {
            let address = try await node.start()
            let raw = try await RawPeer.dial(address)
            await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(2))
            await node.recorder.waitForUp(2)
            try await raw.stopReading()
            _ = try await healthy.start()
            healthy.transport.setPeers([NodeID(1): address])
            await node.recorder.waitForUp(3)

            let part = [UInt8](repeating: 1, count: 50_000)
            await condition { node.transport.send(part, kind: TestNode.kind, to: NodeID(2), priority: .bulk) == .full }
            await condition { node.transport.send(part, kind: TestNode.kind, to: NodeID(2)) == .full }
            let status = try #require(node.transport.links.first { $0.node == NodeID(2) })
            #expect(status.framesDropped == 1)
            #expect(status.outboundBytes < limits.outboundBytes + 51_000)
            #expect(node.transport.send([9], kind: TestNode.kind, to: NodeID(3)) == .queued)
            await healthy.recorder.wait { $0.contains { $0.frame?.payload == [9] } }
            try await raw.resumeReading()
            await node.recorder.wait { $0.contains(.bulkReady(NodeID(2))) }
        }
    }

    @Test("a peer that announces a frame past the limit loses its link, with a line in the log")
    func frameLimit() async throws {
        var limits = TestNode.patient
        limits.maximumFrameBytes = 1000
        let node = TestNode(1, limits: limits)
        try await withNodes(node) {
            let raw = try await RawPeer.dial(try await node.start())
            await raw.send(FrameKind(rawValue: 1), RawPeer.helloBytes(2))
            await raw.send(TestNode.kind, ByteBuffer(repeating: 1, count: 1000))
            await node.recorder.wait { $0.contains { $0.frame?.payload.count == 1000 } }
            await raw.send(TestNode.kind, ByteBuffer(repeating: 1, count: 1001))
            try await raw.waitForClose()
            await node.recorder.waitForDown(2) { if case .violation = $0 { true } else { false } }
            #expect(node.log.warned("a frame of 1001 bytes, limit: 1000"))
        }
    }
}
