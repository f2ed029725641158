import NIOCore

/// The smoothed round-trip time of a link, over about the last eight pings (the weights of RFC 6298).
struct RoundTrip: Equatable {
    private(set) var smoothed: TimeAmount?

    mutating func observe(_ sample: TimeAmount) {
        guard let previous = smoothed else {
            smoothed = sample
            return
        }
        smoothed = .nanoseconds(previous.nanoseconds + (sample.nanoseconds - previous.nanoseconds) / 8)
    }
}
