import ClusterState

/// One channel of one socket: what the client has of it.
struct Subscription {
    enum Mode: Equatable {
        /// Gets what the hub sends, except what it has already.
        case live
        /// Is being brought up to date from the state's window.
        case replaying
    }

    var mode: Mode
    /// The client has everything up to here, of this channel.
    var floor: EventOffset
}
