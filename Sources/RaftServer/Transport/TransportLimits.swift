public import NIOCore

extension PeerTransport {
    /// Every bound of the peer links, in one place.
    ///
    /// The defaults suit a cluster within one region. Tests lower them to reach a limit quickly.
    public struct Limits: Sendable {
        /// Largest payload of one frame, bytes. A peer that announces more loses its link; `send` answers `tooLarge`.
        public var maximumFrameBytes = 4 * 1024 * 1024
        /// Largest payload before a peer has said who it is, bytes. A stranger makes us hold no more than this.
        public var maximumHelloBytes = 4 * 1024
        /// Bytes of one link that wait for the kernel. Beyond them an ordinary frame is dropped and counted: a peer
        /// that does not read for that long needs newer messages, not older ones.
        public var outboundBytes = 16 * 1024 * 1024
        /// Bulk bytes of one link that wait for the kernel. Small, because a heartbeat queues behind them.
        public var bulkOutboundBytes = 1024 * 1024
        /// Small frames share one buffer up to this size, bytes, so that a burst is one write to the kernel.
        public var coalescedBytes = 64 * 1024
        /// Payloads handed over as a `ByteBuffer` from this size on, bytes, are written from where they lie.
        public var uncopiedBytes = 16 * 1024
        /// Bytes that one read takes from the kernel at most.
        public var readBytes = 256 * 1024
        /// Payload bytes of one peer that the user holds (`FrameReceipt.held`). When they reach this, nothing more is read from
        /// that peer until half of them are released; what was read by then, four reads and one frame at most, still
        /// comes.
        public var inboundBytes = 16 * 1024 * 1024
        /// Peers that dial us without being named by `setPeers`: joining nodes, load generators.
        public var uninvitedLinks = 64
        /// Accepted connections that have not said hello yet; further ones are closed at once.
        public var greetings = 64
        /// From a connection's start to the peer's accepted hello.
        public var handshakeTimeout: TimeAmount = .seconds(2)
        /// From a dial to its connection; a host that is gone does not answer at all.
        public var connectTimeout: TimeAmount = .seconds(1)
        /// Between two pings of one connection; also the grain of every other check.
        public var pingInterval: TimeAmount = .milliseconds(100)
        /// An established connection without one byte for so long is closed.
        public var silenceLimit: TimeAmount = .seconds(3)
        /// The kernel gives up a connection whose data stay unacknowledged for so long (`TCP_USER_TIMEOUT`).
        public var unacknowledgedLimit: TimeAmount = .seconds(5)
        /// Wait after the first failed dial. It doubles up to `maximumBackoff`; half of each wait is random.
        public var firstBackoff: TimeAmount = .milliseconds(20)
        public var maximumBackoff: TimeAmount = .seconds(1)
        /// A link that stood for so long starts again with an immediate dial and the first back-off.
        public var stableAfter: TimeAmount = .seconds(1)
        /// How long `stop` lets queued frames leave, and a refusal its reason.
        public var flushTimeout: TimeAmount = .seconds(1)
        /// Between two looks at the certificate files.
        public var certificateCheckInterval: TimeAmount = .seconds(10)
        /// A certificate that expires sooner is announced in the log.
        public var certificateWarningDays = 30
        /// The same complaint about the same peer is logged as a warning once in this time.
        public var repeatedComplaintInterval: TimeAmount = .seconds(60)
        /// Complaints remembered for that purpose.
        public var rememberedComplaints = 256

        public init() {}
    }
}
