/// How the network of a world behaves. Chances in millionths a frame, times in microseconds.
struct NetworkOptions {
    var loss = 0
    var duplication = 0
    var reordering = 0
    var delay: ClosedRange<UInt64> = 100...500
    /// Some frames take much longer.
    var slowness = 0
    var slowDelay: ClosedRange<UInt64> = 50_000...1_500_000
    /// Frames under way on one link; what comes on top is lost.
    var capacity = 10_000
    /// Frames reach whoever runs at the target, also if the connection they were sent on has ended. No TCP does that; Raft does
    /// not mind.
    var framesOutliveConnections = false
    /// Until a silent connection is given up without Raft being told.
    var silenceLimit: UInt64 = 3_000_000
    /// Between two attempts to connect.
    var dialPause: ClosedRange<UInt64> = 20_000...200_000
    /// Messages go through their bytes.
    var usesCodec = false
}
