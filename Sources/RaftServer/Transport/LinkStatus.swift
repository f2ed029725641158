public import NIOCore
public import Raft

/// A link as metrics and `/api/v1/cluster` show it: a snapshot, at most one ping interval old.
public struct LinkStatus: Equatable, Sendable {
    public enum State: Equatable, Sendable {
        case up(Hello)
        /// Nil before the first dial has ended.
        case down(LinkDownCause?)
    }

    public var node: NodeID
    /// Nil for a peer that only dials us.
    public var address: PeerAddress?
    public var state: State
    public var isUp: Bool { if case .up = state { true } else { false } }
    /// Smoothed over about eight pings. Nil until the first answer since the link came up.
    public var roundTrip: TimeAmount?
    /// Since the last byte from the peer, on either connection. Nil if there was none.
    public var silence: TimeAmount?
    public var millisecondsSinceContact: UInt64? { silence.map { UInt64(max(0, $0.nanoseconds / 1_000_000)) } }
    /// Bytes queued here that the kernel has not taken.
    public var outboundBytes: Int
    public var framesSent: UInt64
    public var bytesSent: UInt64
    public var framesReceived: UInt64
    public var bytesReceived: UInt64
    /// Frames that `send` refused because the link was full, and those queued when the link went down.
    public var framesDropped: UInt64
    /// How often the link came up.
    public var connects: UInt64
}
