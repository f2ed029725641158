/// One direction between two nodes: the connection on which one sends to the other. That a connection closed or opened is
/// told apart from whether frames pass, because the two differ in time and sometimes in truth. Times in microseconds.
struct Link {
    /// Frames vanish until then.
    var cutUntil: UInt64 = 0
    /// Frames wait until then.
    var cloggedUntil: UInt64 = 0
    /// What the sender was last told of its connection.
    var isUp = false
    var isDialling = false
    /// Counts the connections; a frame belongs to the one it was sent on.
    var connection: UInt32 = 0
    /// Those before were with another folder of one of the two: nothing comes of them any more.
    var firstConnection: UInt32 = 0
    /// A later frame is not delivered before it, unless the network reorders.
    var lastDelivery: UInt64 = 0
    var lastBulkDelivery: UInt64 = 0
    var framesUnderWay = 0
    /// After a pause, what waited on this connection is read so much later: connections are read in no fixed order.
    var readingDelay: UInt64 = 0

    mutating func forgetConnections() { firstConnection = isUp ? connection + 1 : connection }

    func isCut(at now: UInt64) -> Bool { now < cutUntil }
}
