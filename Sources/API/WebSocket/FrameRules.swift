import NIOCore
import NIOWebSocket

/// What RFC 6455 demands of a client's frames and NIO's decoder does not check.
final class FrameRules: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    enum Violation: String, Error {
        case unmasked = "client frames must be masked"
        case reservedBits = "reserved bits are set"
        case unknownOpcode = "unknown opcode"
    }

    private var hasFailed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasFailed else { return }
        let frame = unwrapInboundIn(data)
        let violation: Violation? =
            if frame.maskKey == nil {
                .unmasked
            } else if frame.rsv1 || frame.rsv2 || frame.rsv3 {
                .reservedBits
            } else {
                switch frame.opcode {
                case .continuation, .text, .binary, .connectionClose, .ping, .pong: nil
                default: .unknownOpcode
                }
            }
        guard let violation else { return context.fireChannelRead(data) }
        hasFailed = true
        context.fireErrorCaught(violation)
    }
}
