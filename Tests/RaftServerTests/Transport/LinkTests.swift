import Glibc
import NIOCore
import Raft
import RaftServer
import Synchronization
import Testing

@Suite("Links between two nodes")
struct LinkTests {
    private static func tls(_ node: UInt64, _ used: Bool) throws -> PeerTransport.TLSFiles? {
        used ? try TestAuthority.cluster.get().node(node) : nil
    }

    @Test("two nodes come up and talk both ways, and say so in their status", arguments: [false, true])
    func bothWays(usesTLS: Bool) async throws {
        let first = TestNode(1, tls: try Self.tls(1, usesTLS))
        let second = TestNode(2, boot: 7, tls: try Self.tls(2, usesTLS))
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            await second.recorder.waitForUp(1)
            #expect(first.recorder.all.first == .up(NodeID(2), BootID(7)))
            #expect(first.transport.send([1, 2, 3], kind: TestNode.kind, to: NodeID(2)) == .queued)
            #expect(second.transport.send(ByteBuffer(bytes: [4]), kind: TestNode.kind, to: NodeID(1)) == .queued)
            await second.recorder.wait { $0.contains { $0.frame?.payload == [1, 2, 3] } }
            await first.recorder.wait { $0.contains { $0.frame?.payload == [4] } }
            await condition { first.transport.links.first?.roundTrip != nil }
            await condition { first.transport.links.first?.framesReceived == 1 }
            let status = try #require(first.transport.links.first)
            guard case .up(let hello) = status.state else {
                Issue.record("not up")
                return
            }
            #expect(hello.softwareVersion == "1.2.3")
            #expect(status.framesSent == 1)
            #expect(status.connects == 1)
            #expect(status.silence != nil)
        }
    }

    @Test("nobody is sent to who is not linked")
    func notLinked() async throws {
        let node = TestNode(1)
        #expect(node.transport.send([1], kind: TestNode.kind, to: NodeID(2)) == .linkDown)
        try await withNodes(node) {
            _ = try await node.start()
            #expect(node.transport.send([1], kind: TestNode.kind, to: NodeID(2)) == .linkDown)
        }
        #expect(node.transport.send([1], kind: TestNode.kind, to: NodeID(2)) == .linkDown)
    }

    /// Payloads are their number and then a piece of these bytes, from a place that depends on the number.
    private static let pattern = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 7) ^ ($0 >> 13)) }

    private static func place(of number: UInt32) -> Int { Int(number % 9973) }

    private static func payload(_ number: UInt32, filler: Int) -> [UInt8] {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
        return bytes + pattern[place(of: number)...].prefix(filler)
    }

    private final class Checker: Sendable {
        let next = Atomic<UInt32>(0)
        let broken = Atomic<Int>(0)

        func check(_ payload: ByteBuffer) {
            let expected = next.load(ordering: .relaxed)
            let number = payload.getInteger(at: payload.readerIndex, endianness: .little, as: UInt32.self)
            // `memcmp`, because a slow receiver would make this a test of the silence limit.
            let isWhole = payload.withUnsafeReadableBytes { bytes in
                LinkTests.pattern.withUnsafeBytes { pattern in
                    let filler = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(4))
                    let wanted = UnsafeRawBufferPointer(rebasing: pattern.dropFirst(LinkTests.place(of: expected)))
                    guard let filler = filler.baseAddress, let wanted = wanted.baseAddress else { return true }
                    return memcmp(filler, wanted, bytes.count - 4) == 0
                }
            }
            if number != expected || !isWhole { broken.add(1, ordering: .relaxed) }
            next.store(expected + 1, ordering: .releasing)
        }
    }

    @Test("frames of random sizes arrive whole and in order", arguments: [(100_000, false), (20_000, true)])
    func manyFrames(count: Int, usesTLS: Bool) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        let checker = Checker()
        let sender = TestNode(1, tls: try Self.tls(1, usesTLS))
        let receiver = TestNode(
            2, tls: try Self.tls(2, usesTLS), onFrame: { _, _, payload in checker.check(payload) })
        try await withNodes(sender, receiver) {
            try await TestNode.pair(sender, receiver)
            await sender.recorder.waitForUp(2)
            for number in 0..<UInt32(count) {
                let isLarge = UInt64.random(in: 0..<1000, using: &generator) == 0
                let filler = Int.random(in: 0..<(isLarge ? 200_000 : 400), using: &generator)
                let bytes = Self.payload(number, filler: filler)
                if number % 256 == 0 { await Task.yield() }
                let asBuffer = Bool.random(using: &generator)
                await condition {
                    let outcome =
                        asBuffer
                        ? sender.transport.send(ByteBuffer(bytes: bytes), kind: TestNode.kind, to: NodeID(2))
                        : sender.transport.send(bytes, kind: TestNode.kind, to: NodeID(2))
                    return outcome == .queued
                }
            }
            await condition { checker.next.load(ordering: .acquiring) == UInt32(count) }
            #expect(checker.broken.load(ordering: .relaxed) == 0, "seed \(seed)")
            #expect(sender.recorder.all.count == 1, "the link stood all the time")
        }
    }

    @Test("a frame of the greatest size passes, a greater one is not taken", arguments: [false, true])
    func bigFrames(usesTLS: Bool) async throws {
        let limit = PeerTransport.Limits().maximumFrameBytes
        let first = TestNode(1, tls: try Self.tls(1, usesTLS))
        let second = TestNode(2, tls: try Self.tls(2, usesTLS))
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            let big = [UInt8]((0..<limit).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 8)) })
            #expect(first.transport.send(big + [0], kind: TestNode.kind, to: NodeID(2)) == .tooLarge)
            #expect(first.transport.send(big, kind: TestNode.kind, to: NodeID(2), priority: .bulk) == .queued)
            #expect(first.transport.send([], kind: TestNode.kind, to: NodeID(2)) == .queued)
            await second.recorder.wait { $0.count { $0.frame != nil } == 2 }
            #expect(second.recorder.all.compactMap { $0.frame?.payload } == [big, []])
        }
    }

    @Test("a peer that only dials us is answered on its own connection")
    func uninvited() async throws {
        let server = TestNode(1)
        let client = TestNode(9)
        try await withNodes(server, client) {
            let address = try await server.start()
            _ = try await client.start()
            client.transport.setPeers([NodeID(1): address])
            await client.recorder.waitForUp(1)
            await server.recorder.waitForUp(9)
            #expect(client.transport.send([1], kind: TestNode.kind, to: NodeID(1)) == .queued)
            #expect(server.transport.send([2], kind: TestNode.kind, to: NodeID(9)) == .queued)
            await server.recorder.wait { $0.contains { $0.frame?.payload == [1] } }
            await client.recorder.wait { $0.contains { $0.frame?.payload == [2] } }
            #expect(server.transport.links.map(\.address) == [nil])
            await client.transport.stop()
            await server.recorder.waitForDown(9) { $0 == .closed }
            #expect(server.transport.links.isEmpty)
        }
    }

    @Test("a peer that dialled us is dialled once its address is known")
    func invitedLater() async throws {
        let first = TestNode(1)
        let second = TestNode(2)
        try await withNodes(first, second) {
            let firstAddress = try await first.start()
            let secondAddress = try await second.start()
            second.transport.setPeers([NodeID(1): firstAddress])
            await first.recorder.waitForUp(2)
            first.transport.setPeers([NodeID(2): secondAddress])
            await first.recorder.waitForUp(2, times: 2)
            #expect(first.transport.links.map(\.address) == [secondAddress])
            #expect(first.transport.send([1], kind: TestNode.kind, to: NodeID(2)) == .queued)
            await second.recorder.wait { $0.contains { $0.frame?.payload == [1] } }
        }
    }

    @Test("a peer that is no longer named is closed and reported as removed")
    func removed() async throws {
        let first = TestNode(1)
        let second = TestNode(2)
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            await second.recorder.waitForUp(1)
            second.transport.setPeers([:])
            await second.recorder.waitForDown(1) { $0 == .removed }
            await first.recorder.waitForDown(2) { $0 == .closed }
            // The first still names the second and is accepted again, now on its own connection.
            await second.recorder.waitForUp(1, times: 2)
        }
    }

    @Test("stop lets what is queued leave, and ends all callbacks")
    func gracefulStop() async throws {
        let received = Atomic<Int>(0)
        let first = TestNode(1)
        let second = TestNode(
            2, onFrame: { _, _, payload in _ = received.add(payload.readableBytes, ordering: .relaxed) })
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            for _ in 0..<1000 {
                first.transport.send([UInt8](repeating: 1, count: 4000), kind: TestNode.kind, to: NodeID(2))
            }
            await first.transport.stop()
            let heard = first.recorder.all.count
            await second.recorder.waitForDown(1) { $0 == .closed }
            await condition { received.load(ordering: .relaxed) == 4_000_000 }
            #expect(first.recorder.all.count == heard)
            await first.transport.stop()
        }
    }

    @Test("a transport starts once, and not on a port that is taken")
    func startsOnce() async throws {
        let first = TestNode(1)
        try await withNodes(first) {
            let address = try await first.start()
            await #expect(throws: PeerTransportError.alreadyStarted) { try await first.start() }
            let second = TestNode(2, listenPort: address.port)
            let error = await #expect(throws: PeerTransportError.self) { try await second.start() }
            guard case .cannotListen(address, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        await #expect(throws: PeerTransportError.stopped) { try await first.start() }
    }

    @Test("a transport that is stopped before it has started does not start", arguments: [false, true])
    func stoppedEarly(whileStarting: Bool) async throws {
        let node = TestNode(1)
        if whileStarting {
            async let address = node.start()
            await node.transport.stop()
            // Whichever came first, nothing is left running.
            _ = try? await address
            await node.transport.stop()
        } else {
            await node.transport.stop()
            await #expect(throws: PeerTransportError.stopped) { try await node.start() }
        }
        #expect(node.transport.links.isEmpty)
    }

    @Test("an identity that no hello can carry does not start")
    func invalidIdentity() async throws {
        for node in [
            TestNode(0), TestNode(1, clusterID: ""), TestNode(1, clusterID: String(repeating: "x", count: 4000)),
        ] {
            let error = await #expect(throws: PeerTransportError.self) { try await node.start() }
            guard case .invalidIdentity? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
