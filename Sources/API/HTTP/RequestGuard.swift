import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Telemetry

/// Stands before Hummingbird in each connection: answers what the HTTP parser refuses with a problem document, and ends
/// requests that take longer than `requestSeconds`, whether their body does not arrive or their answer does not.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: APILimits
    /// Requests read, or being read, and not answered.
    private var outstanding = 0
    private var isReading = false
    private var hasBegunAnswer = false
    /// This handler has had the last word: what others write is dropped.
    private var hasEnded = false
    private var since = NIODeadline.distantFuture
    /// One timer a connection, set again only when it fires: requests come and go without touching it.
    private var timer: Scheduled<Void>?

    init(limits: APILimits) {
        self.limits = limits
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        switch unwrapInboundIn(data) {
        case .head:
            if outstanding == 0 { since = .now() }
            outstanding += 1
            isReading = true
            if timer == nil { setTimer(context, in: .seconds(limits.requestSeconds)) }
        case .body: break
        case .end: isReading = false
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !hasEnded else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): hasBegunAnswer = head.status.kind != .informational
        case .body: break
        case .end:
            hasBegunAnswer = false
            outstanding -= 1
            since = .now()
        }
        context.write(data, promise: promise)
    }

    // MARK: Time

    private func setTimer(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) {
            let (handler, context) = bound.value
            handler.timeUp(context)
        }
    }

    private func timeUp(_ context: ChannelHandlerContext) {
        timer = nil
        guard outstanding > 0, !hasEnded else { return }
        let end = since + .seconds(limits.requestSeconds)
        guard end <= .now() else { return setTimer(context, in: end - .now()) }
        if isReading {
            finish(context, Problem(.requestTimeout, "the body did not arrive within \(limits.requestSeconds) s"))
        } else {
            finish(context, Problem(.outcomeUnknown, "no answer within \(limits.requestSeconds) s"))
        }
    }

    // MARK: Errors

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasEnded else { return }
        // A broken connection, or a request that is being answered: not for this handler.
        guard !(error is IOError), !(error is ChannelError), !hasBegunAnswer, outstanding == 0 || isReading else {
            return context.fireErrorCaught(error)
        }
        guard case .headerOverflow? = error as? HTTPParserError else {
            return finish(context, Problem(.badRequest, "this is not HTTP/1.1"))
        }
        let limit = "the limit is \(limits.headerBytes) bytes and \(limits.headerFields) fields"
        finish(context, Problem(.headersTooLarge, limit))
    }

    private func finish(_ context: ChannelHandlerContext, _ problem: Problem) {
        guard !hasBegunAnswer else { return context.close(promise: nil) }
        hasEnded = true
        var random = SystemRandomNumberGenerator()
        let requestID = RequestID.random(using: &random).rawValue
        var answer = problem.answer(instance: "", requestID: requestID)
        answer.headers[.requestID] = requestID
        answer.headers[.connection] = "close"
        answer.headers[.contentLength] = String(answer.body.count)
        let head = HTTPResponse(status: .init(code: answer.status), headerFields: answer.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: answer.body))), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
