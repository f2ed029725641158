import NIOCore
import Synchronization

/// The frames of one link on their way to the kernel: filled by any thread, emptied by the transport's.
///
/// Small frames are written one behind the other into a shared buffer, so that a burst costs one allocation, one pass
/// through the pipeline, one TLS record and one system call; a large `ByteBuffer` is queued as it is. The first frame
/// after the queue ran empty wakes the transport's thread, the others ride along.
///
/// `queued` counts what waits here, `written` what the channel has and the kernel has not; the limits hold for the sum.
final class OutboundQueue: Sendable {
    /// All that waits, for one write.
    struct Batch {
        var chunks: [ByteBuffer]
        var receipt: Receipt
    }

    /// What a batch was, to be handed back when the kernel has it.
    struct Receipt {
        fileprivate var size: Size
        fileprivate var opening: UInt64
    }

    struct Counters: Equatable {
        var framesSent: UInt64 = 0
        var bytesSent: UInt64 = 0
        var framesDropped: UInt64 = 0
        var outboundBytes = 0
    }

    fileprivate struct Size {
        var frames = 0
        var bytes = 0
        var bulkBytes = 0
    }

    private struct State {
        var isOpen = false
        /// Which opening of the link this is; a completion of an earlier one does not count.
        var opening: UInt64 = 0
        var chunks: [ByteBuffer] = []
        /// Whether the last chunk is ours to append to.
        var lastIsShared = false
        var queued = Size()
        var written = Size()
        var wakePending = false
        var bulkIsAwaited = false
        var counters = Counters()
    }

    private let limits: PeerTransport.Limits
    private let withChecksum: Bool
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameter wake: makes the transport's thread take the queue soon. Called on the sender's thread; must not come
    ///   back here at once.
    init(limits: PeerTransport.Limits, withChecksum: Bool, wake: @escaping @Sendable () -> Void) {
        self.limits = limits
        self.withChecksum = withChecksum
        self.wake = wake
    }

    // MARK: Any thread

    func send(_ payload: [UInt8], kind: FrameKind, priority: PeerTransport.Priority) -> PeerTransport.SendOutcome {
        payload.withUnsafeBytes { enqueue($0, uncopied: nil, kind: kind, priority: priority) }
    }

    func send(_ payload: ByteBuffer, kind: FrameKind, priority: PeerTransport.Priority) -> PeerTransport.SendOutcome {
        let uncopied = payload.readableBytes >= limits.uncopiedBytes ? payload : nil
        return payload.withUnsafeReadableBytes { enqueue($0, uncopied: uncopied, kind: kind, priority: priority) }
    }

    private func enqueue(
        _ payload: UnsafeRawBufferPointer, uncopied: ByteBuffer?, kind: FrameKind, priority: PeerTransport.Priority
    ) -> PeerTransport.SendOutcome {
        guard payload.count <= limits.maximumFrameBytes else { return .tooLarge }
        let isBulk = priority == .bulk
        // Outside the lock: the checksum reads the whole payload.
        let header = FrameHeader(kind: kind, payload: payload, isBulk: isBulk, withChecksum: withChecksum)
        return state.withLock { state in
            guard state.isOpen else { return .linkDown }
            guard hasRoom(&state, isBulk: isBulk) else { return .full }
            append(header, payload, uncopied: uncopied, to: &state)
            state.queued.frames += 1
            state.queued.bytes += FrameHeader.byteCount + payload.count
            if isBulk { state.queued.bulkBytes += FrameHeader.byteCount + payload.count }
            // Under the lock: once `close` has returned nobody wakes a thread that may have ended.
            if !state.wakePending { wake() }
            state.wakePending = true
            return .queued
        }
    }

    /// The frame that reaches a limit is still taken, so a limit below the size of a frame cannot stop a link for good.
    private func hasRoom(_ state: inout State, isBulk: Bool) -> Bool {
        if isBulk {
            let waiting = state.queued.bulkBytes + state.written.bulkBytes
            if waiting >= limits.bulkOutboundBytes {
                state.bulkIsAwaited = true
                return false
            }
            return true
        }
        if state.queued.bytes + state.written.bytes >= limits.outboundBytes {
            state.counters.framesDropped += 1
            return false
        }
        return true
    }

    private func append(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, uncopied: ByteBuffer?, to state: inout State
    ) {
        let bytes = FrameHeader.byteCount + (uncopied == nil ? payload.count : 0)
        let hasChunk =
            !state.lastIsShared
            && (state.chunks.last.map { $0.readableBytes + bytes <= limits.coalescedBytes } ?? false)
        if !hasChunk {
            // A second chunk means a burst: it gets its full size at once instead of growing to it.
            let capacity = state.chunks.isEmpty ? bytes : max(bytes, limits.coalescedBytes)
            state.chunks.append(ByteBufferAllocator().buffer(capacity: capacity))
            state.lastIsShared = false
        }
        let last = state.chunks.count - 1
        header.withBytes { _ = state.chunks[last].writeBytes($0) }
        if let uncopied {
            state.chunks.append(uncopied)
            state.lastIsShared = true
        } else {
            state.chunks[last].writeBytes(payload)
        }
    }

    var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.outboundBytes = state.queued.bytes + state.written.bytes
            return counters
        }
    }

    // MARK: The transport's thread

    /// The link is up: frames are taken from now on.
    func open() {
        state.withLock { state in
            precondition(!state.isOpen, "a link is closed before it is opened again")
            state.isOpen = true
            state.opening += 1
            state.wakePending = false
            state.bulkIsAwaited = false
        }
    }

    /// The link is down: what waits is lost and counted.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.counters.framesDropped += UInt64(state.queued.frames)
            state.chunks = []
            state.lastIsShared = false
            state.queued = Size()
            state.written = Size()
            state.wakePending = false
        }
    }

    /// All that waits, or nil. The next frame after this wakes the thread again.
    func take() -> Batch? {
        state.withLock { state in
            state.wakePending = false
            guard state.queued.frames > 0 else { return nil }
            let size = state.queued
            let batch = Batch(chunks: state.chunks, receipt: Receipt(size: size, opening: state.opening))
            state.chunks = []
            state.lastIsShared = false
            state.written.bytes += size.bytes
            state.written.bulkBytes += size.bulkBytes
            state.counters.framesSent += UInt64(size.frames)
            state.counters.bytesSent += UInt64(size.bytes)
            state.queued = Size()
            return batch
        }
    }

    /// The kernel has taken a batch. Returns whether a sender of bulk frames that was turned away may go on.
    func completed(_ receipt: Receipt) -> Bool {
        state.withLock { state in
            guard state.isOpen, state.opening == receipt.opening else { return false }
            state.written.bytes -= receipt.size.bytes
            state.written.bulkBytes -= receipt.size.bulkBytes
            let waiting = state.queued.bulkBytes + state.written.bulkBytes
            guard state.bulkIsAwaited, waiting <= limits.bulkOutboundBytes / 2 else { return false }
            state.bulkIsAwaited = false
            return true
        }
    }
}
