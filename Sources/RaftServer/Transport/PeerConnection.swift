import NIOCore
import NIOSSL
import NIOTLS
import Raft

/// One TCP connection to a peer, from its hello to its end. What it means for the link is decided by `LinkTable`, its
/// owner.
///
/// Confined to the transport's event loop. Life: TLS if any, then `begin` (the dialler speaks first), then the hellos,
/// then frames. However it ends, the owner hears it exactly once, with the cause that was noticed first.
final class PeerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Side: Equatable {
        case dialled(NodeID, DialSchedule.Ticket)
        case accepted
    }

    private enum Phase: Equatable {
        case connecting
        case greeting
        case established(Hello)
        case ended
    }

    let side: Side
    private let owner: LinkTable
    private let usesTLS: Bool
    private var phase = Phase.connecting
    private var decoder: FrameDecoder
    private var context: ChannelHandlerContext?
    private var secured: Bool
    private var begun = false
    private var isTakingFrames = false
    private(set) var isReading = true
    private var deadline: Scheduled<Void>?
    private var remoteAddress: SocketAddress?
    private(set) var roundTrip = RoundTrip()
    private(set) var lastHeard: NIODeadline = .now()
    /// Frames and bytes that came in and that the owner has not counted yet.
    private var uncounted = (frames: UInt64(0), bytes: UInt64(0))

    init(side: Side, owner: LinkTable, usesTLS: Bool) {
        self.side = side
        self.owner = owner
        self.usesTLS = usesTLS
        secured = !usesTLS
        decoder = FrameDecoder(
            maximumPayloadBytes: owner.limits.maximumHelloBytes, checksumRequired: !usesTLS)
    }

    var established: Hello? {
        if case .established(let hello) = phase { hello } else { nil }
    }

    var hasEnded: Bool { phase == .ended }
    var isWritable: Bool { context?.channel.isWritable ?? false }
    /// The other end, for logs; still known when the connection has ended.
    var remote: String { remoteAddress?.description ?? "unknown" }
    /// Without the port, which differs at every dial.
    var remoteHost: String { remoteAddress?.ipAddress ?? "unknown" }

    // MARK: What the owner does

    /// The connection stands: say hello once TLS has finished. The time for the whole handshake runs from here.
    func begin() {
        guard let context, !begun else { return }
        begun = true
        if phase == .connecting { phase = .greeting }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: owner.limits.handshakeTimeout) {
            self.end(.handshake(.silent))
        }
        greetIfReady()
    }

    /// Both hellos fit. Frames of full size are taken from now on.
    func establish(_ hello: Hello) {
        precondition(phase == .greeting, "a connection is established once, by its first hello")
        phase = .established(hello)
        deadline?.cancel()
        decoder.maximumPayloadBytes = owner.limits.maximumFrameBytes
    }

    /// Tells the other side why, then ends.
    func refuse(_ refusal: HandshakeRefusal) {
        guard phase != .ended, let context else { return }
        // First, because a write may find the socket broken, and that would be reported as the cause.
        finish(.handshake(.refusedHere(refusal)))
        context.write(wrapOutboundOut(frame(.refusal, refusal.encoded())), promise: nil)
        closeAfterFlush(context)
    }

    /// Ends the connection. The owner hears of it before this returns: an orderly TLS shutdown may wait for an answer
    /// of a peer that gives none any more.
    func end(_ cause: LinkDownCause) {
        guard phase != .ended else { return }
        let context = context
        finish(cause)
        context?.close(promise: nil)
    }

    /// Ends the connection after all that was written before has left. The owner hears of it when that is done.
    func endAfterFlush() {
        guard phase != .ended else { return }
        closeAfterFlush(context)
    }

    /// Closes our half once all has left, and the rest when the other side has answered by closing its own: a socket
    /// closed with unread bytes in it is reset, and a reset destroys what the other side has not read yet.
    private func closeAfterFlush(_ context: ChannelHandlerContext?) {
        guard let context else { return }
        // Writes complete in order, so this empty one completes after all before it.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            context.close(mode: .output, promise: nil)
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: owner.limits.flushTimeout) { context.close(promise: nil) }
    }

    /// Writes all that waits in `queue` in one flush, if the kernel takes bytes or `always`.
    func drain(_ queue: OutboundQueue, always: Bool = false, onBulkReady: @escaping @Sendable () -> Void) {
        guard let context, established != nil, always || isWritable, let batch = queue.take() else { return }
        for chunk in batch.chunks.dropLast() { context.write(wrapOutboundOut(chunk), promise: nil) }
        guard let last = batch.chunks.last else { preconditionFailure("a batch has at least one chunk") }
        let written = context.eventLoop.makePromise(of: Void.self)
        let receipt = batch.receipt
        written.futureResult.whenComplete { _ in
            if queue.completed(receipt) { onBulkReady() }
        }
        context.writeAndFlush(wrapOutboundOut(last), promise: written)
    }

    /// Whether more is taken from the kernel.
    func setReading(_ isReading: Bool) {
        guard isReading != self.isReading, let context, phase != .ended else { return }
        self.isReading = isReading
        // It was this side that did not listen.
        if isReading { lastHeard = .now() }
        // A channel that is being closed refuses, and needs no option any more.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    func ping() {
        // A full socket says nothing new by another frame; whether the peer is silent is seen without it.
        guard established != nil, isWritable else { return }
        write(.ping, ByteBuffer(integer: NIODeadline.now().uptimeNanoseconds, endianness: .little))
    }

    func takeUncounted() -> (frames: UInt64, bytes: UInt64) {
        defer { uncounted = (0, 0) }
        return uncounted
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        remoteAddress = context.remoteAddress
        owner.connectionOpened(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            secured = true
            greetIfReady()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .ended else { return }
        let bytes = unwrapInboundIn(data)
        lastHeard = .now()
        uncounted.bytes += UInt64(bytes.readableBytes)
        decoder.append(bytes)
        // An answer that is written while frames are taken may find the socket broken; NIO then reads what is left of
        // it and comes here again from inside. The loop further out takes those bytes.
        guard !isTakingFrames else { return }
        isTakingFrames = true
        defer { isTakingFrames = false }
        do throws(FrameError) {
            while phase != .ended, let frame = try decoder.next() { try receive(frame) }
        } catch {
            owner.complain(about: self, "broke the frame format: \(error)")
            end(.violation("\(error)"))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        owner.callbacks.readComplete()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { owner.connectionWritable(self) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(established == nil ? LinkDownCause(greetingError: error) : LinkDownCause(establishedError: error))
    }

    // MARK: Inside

    private func greetIfReady() {
        guard begun, secured, case .dialled = side, phase == .greeting else { return }
        write(.hello, owner.ownHello)
    }

    private func receive(_ frame: Frame) throws(FrameError) {
        switch phase {
        case .connecting, .greeting:
            switch frame.kind {
            case .hello: receiveHello(frame.payload)
            case .refusal: receiveRefusal(frame.payload)
            default: throw .unexpectedKind(frame.kind)
            }
        case .established(let hello):
            try receive(frame, from: hello)
        case .ended:
            break
        }
    }

    private func receive(_ frame: Frame, from hello: Hello) throws(FrameError) {
        if frame.kind.isApplication {
            uncounted.frames += 1
            owner.deliver(frame, from: hello, over: self)
            return
        }
        switch frame.kind {
        case .ping:
            write(.pong, frame.payload)
        case .pong:
            guard
                let sent = frame.payload.getInteger(at: frame.payload.readerIndex, endianness: .little, as: UInt64.self)
            else { break }
            let now = NIODeadline.now().uptimeNanoseconds
            if sent <= now { roundTrip.observe(.nanoseconds(Int64(clamping: now - sent))) }
        case .refusal:
            receiveRefusal(frame.payload)
        default:
            throw .unexpectedKind(frame.kind)
        }
    }

    private func receiveHello(_ payload: ByteBuffer) {
        do throws(Hello.DecodingError) {
            owner.helloReceived(try Hello(decoding: payload), over: self, credential: credential)
        } catch {
            refuse(HandshakeRefusal(reason: .unreadableHello, detail: "\(error)"))
        }
    }

    private func receiveRefusal(_ payload: ByteBuffer) {
        let refusal =
            (try? HandshakeRefusal(decoding: payload)) ?? HandshakeRefusal(reason: .other, detail: "unreadable refusal")
        end(.handshake(.refusedByPeer(refusal)))
    }

    private var credential: PeerCredential {
        guard usesTLS else { return .none }
        let certificate = try? context?.pipeline.syncOperations.nioSSL_peerCertificate()
        return .certified(uriNames: certificate?.uriNames ?? [])
    }

    /// Sends one of the transport's own frames, past the queue. May end the connection before it returns.
    func write(_ kind: FrameKind, _ payload: ByteBuffer) {
        guard let context, phase != .ended else { return }
        context.writeAndFlush(wrapOutboundOut(frame(kind, payload)), promise: nil)
    }

    private func frame(_ kind: FrameKind, _ payload: ByteBuffer) -> ByteBuffer {
        var frame = ByteBufferAllocator().buffer(capacity: FrameHeader.byteCount + payload.readableBytes)
        payload.withUnsafeReadableBytes { bytes in
            let header = FrameHeader(kind: kind, payload: bytes, isBulk: false, withChecksum: !usesTLS)
            header.withBytes { _ = frame.writeBytes($0) }
            frame.writeBytes(bytes)
        }
        return frame
    }

    /// The channel went away by itself.
    private func finish() {
        finish(established == nil ? .handshake(.closed) : .closed)
    }

    private func finish(_ cause: LinkDownCause) {
        guard phase != .ended else { return }
        let hello = established
        phase = .ended
        deadline?.cancel()
        // The frames before the end may have been the last of their read.
        if hello != nil { owner.callbacks.readComplete() }
        owner.connectionEnded(self, hello: hello, cause: cause)
    }
}
