import NIOCore
import Raft
import Testing

@testable import RaftServer

@Suite("A peer that sends faster than it is listened to")
struct InboundLimitTests {
    private static let frameBytes = 1000
    private static let limitBytes = 50_000
    private static let readBytes = 16 * 1024

    private static var limits: PeerTransport.Limits {
        var limits = TestNode.patient
        limits.inboundBytes = limitBytes
        limits.readBytes = readBytes
        return limits
    }

    @Test("is not read from past the limit of what is held, and is again when half of it is released; nothing is lost")
    func backPressure() async throws {
        let received = Counter()
        let frames = 5000
        let node = TestNode(
            1, limits: Self.limits, receipt: .held, onFrame: { _, _, _ in received.count() })
        try await withNodes(node) {
            let peer = try await RawPeer.dial(try await node.start())
            await peer.send(.hello, RawPeer.hello(2).encoded())
            _ = await peer.frame(.hello)
            let frame = RawPeer.frame(TestNode.kind, ByteBuffer(repeating: 7, count: Self.frameBytes))
            let sending = Task { for _ in 0..<frames { await peer.send(frame) } }
            var released = 0
            while released < frames {
                let waiting = min(Self.limitBytes / Self.frameBytes, frames - released)
                await condition { received.value - released >= waiting }
                let held = (received.value - released) * Self.frameBytes
                // The limit, what was read by then, and the frame that reaches it.
                #expect(held <= Self.limitBytes + 4 * Self.readBytes + 2 * Self.frameBytes)
                let taken = received.value - released
                node.transport.release(taken * Self.frameBytes, of: NodeID(2))
                released += taken
            }
            await sending.value
            #expect(received.value == frames)
            try await peer.close()
        }
    }

    @Test("loses no link over a pause that is ours, and is heard again after it")
    func pauseIsOurs() async throws {
        var limits = Self.limits
        limits.silenceLimit = .seconds(2)
        let received = Counter()
        let first = TestNode(
            1, limits: limits, receipt: .held, onFrame: { _, _, _ in received.count() })
        let second = TestNode(2, limits: TestNode.patient)
        try await withNodes(first, second) {
            try await TestNode.pair(first, second)
            await first.recorder.waitForUp(2)
            await second.recorder.waitForUp(1)
            let payload = [UInt8](repeating: 7, count: Self.limitBytes)
            #expect(second.transport.send(payload, kind: TestNode.kind, to: NodeID(1)) == .queued)
            await condition { received.value == 1 }
            // Far longer than the limit of silence, as the ticks of the transport count it.
            try await Task.sleep(for: .seconds(5))
            #expect(second.transport.send([1], kind: TestNode.kind, to: NodeID(1)) == .queued)
            #expect(received.value == 1)
            first.transport.release(payload.count, of: NodeID(2))
            await condition { received.value == 2 }
            let downs = first.recorder.all.filter { if case .down = $0 { true } else { false } }
            #expect(downs.isEmpty)
        }
    }

    @Test("the window closes at its limit, opens at half of it, and never counts below nothing")
    func window() {
        let reopened = Counter()
        let window = InboundWindow(limitBytes: 100) { reopened.count() }
        #expect(window.hold(99))
        #expect(!window.hold(1))
        window.release(49)
        #expect(!window.isOpen)
        window.release(1)
        #expect(window.isOpen && reopened.value == 1)
        window.release(1000)
        #expect(window.heldBytes == 0)
        #expect(window.hold(99) && reopened.value == 1)
    }
}
