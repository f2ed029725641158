import NIOCore
import Synchronization
import Testing

@testable import RaftServer

@Suite("What waits for the kernel")
struct OutboundQueueTests {
    private final class Wakes: Sendable {
        let count = Atomic<Int>(0)
    }

    private func queue(
        _ change: (inout PeerTransport.Limits) -> Void = { _ in }, wakes: Wakes = Wakes(), open: Bool = true
    ) -> OutboundQueue {
        var limits = PeerTransport.Limits()
        change(&limits)
        let queue = OutboundQueue(limits: limits, withChecksum: true) { wakes.count.add(1, ordering: .relaxed) }
        if open { queue.open() }
        return queue
    }

    private func send(_ count: Int, to queue: OutboundQueue, _ priority: PeerTransport.Priority = .ordinary)
        -> PeerTransport.SendOutcome
    {
        queue.send([UInt8](repeating: 1, count: count), kind: TestNode.kind, priority: priority)
    }

    @Test("a closed link takes nothing")
    func closed() {
        let queue = queue(open: false)
        #expect(send(1, to: queue) == .linkDown)
        #expect(queue.take() == nil)
    }

    @Test("a burst wakes the loop once, is one buffer, and the next frame after it wakes again")
    func burst() throws {
        let wakes = Wakes()
        let queue = queue(wakes: wakes)
        for _ in 0..<100 { #expect(send(100, to: queue) == .queued) }
        #expect(wakes.count.load(ordering: .relaxed) == 1)
        let batch = try #require(queue.take())
        #expect(batch.chunks.count == 1)
        #expect(batch.chunks[0].readableBytes == 100 * (FrameHeader.byteCount + 100))
        #expect(send(1, to: queue) == .queued)
        #expect(wakes.count.load(ordering: .relaxed) == 2)
    }

    @Test("a large buffer is queued as it lies, in order between small frames")
    func uncopied() throws {
        let queue = queue()
        let large = ByteBuffer(repeating: 7, count: 100_000)
        #expect(send(1, to: queue) == .queued)
        #expect(queue.send(large, kind: TestNode.kind, priority: .ordinary) == .queued)
        #expect(send(2, to: queue) == .queued)
        let chunks = try #require(queue.take()).chunks
        #expect(chunks.count == 3)
        let sent = chunks[1].withUnsafeReadableBytes { $0.baseAddress }
        #expect(sent == large.withUnsafeReadableBytes { $0.baseAddress })
        var decoder = FrameDecoder(maximumPayloadBytes: 1 << 20, checksumRequired: true)
        var sizes: [Int] = []
        for chunk in chunks {
            decoder.append(chunk)
            while let frame = try decoder.next() { sizes.append(frame.payload.readableBytes) }
        }
        #expect(sizes == [1, 100_000, 2])
    }

    @Test("ordinary frames past the limit are dropped and counted, until the kernel has taken some")
    func outboundLimit() throws {
        let frame = 100 + FrameHeader.byteCount
        let queue = queue { $0.outboundBytes = 3 * frame }
        for _ in 0..<3 { #expect(send(100, to: queue) == .queued) }
        #expect(send(100, to: queue) == .full)
        #expect(queue.counters.framesDropped == 1)
        let batch = try #require(queue.take())
        #expect(queue.counters.outboundBytes == 3 * frame)
        #expect(send(100, to: queue) == .full)
        #expect(!queue.completed(batch.receipt))
        #expect(queue.counters.outboundBytes == 0)
        #expect(send(100, to: queue) == .queued)
    }

    @Test("bulk frames are turned away at their limit, called again at half of it, and never displace ordinary ones")
    func bulkLimit() throws {
        let frame = 100 + FrameHeader.byteCount
        let queue = queue { $0.bulkOutboundBytes = 4 * frame }
        for _ in 0..<2 { #expect(send(100, to: queue, .bulk) == .queued) }
        let first = try #require(queue.take())
        for _ in 0..<2 { #expect(send(100, to: queue, .bulk) == .queued) }
        #expect(send(100, to: queue, .bulk) == .full)
        #expect(queue.counters.framesDropped == 0)
        #expect(send(100, to: queue) == .queued)
        #expect(queue.completed(first.receipt), "two of four are left: half is free")
        let second = try #require(queue.take())
        #expect(!queue.completed(second.receipt), "nobody waits any more")
    }

    @Test("a frame past the frame limit is refused, the limit itself is taken")
    func frameLimit() {
        let queue = queue { $0.maximumFrameBytes = 1000 }
        #expect(send(1000, to: queue) == .queued)
        #expect(send(1001, to: queue) == .tooLarge)
    }

    @Test("what waited when the link fell is counted, and its late completion does not disturb the next link")
    func reopened() throws {
        let queue = queue { $0.outboundBytes = 1000 }
        #expect(send(100, to: queue) == .queued)
        let batch = try #require(queue.take())
        for _ in 0..<3 { #expect(send(100, to: queue) == .queued) }
        queue.close()
        #expect(queue.counters.framesDropped == 3)
        queue.open()
        #expect(send(100, to: queue) == .queued)
        #expect(!queue.completed(batch.receipt))
        #expect(queue.counters.outboundBytes == 100 + FrameHeader.byteCount)
    }
}
