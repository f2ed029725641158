/// What may happen on one way, at most.
public struct ExplorationBounds: Hashable, Sendable {
    /// Of all nodes together.
    public var timeouts = 0
    public var proposals = 0
    /// Of all nodes together.
    public var crashes = 0
    /// Begins when node 1 leads, and all have and know what is committed; otherwise when no node has ever run.
    public var isSettled = false
    /// States after which the search is given up.
    public var states = 10_000_000

    public init(isSettled: Bool = false, timeouts: Int, proposals: Int, crashes: Int) {
        self.isSettled = isSettled
        self.timeouts = timeouts
        self.proposals = proposals
        self.crashes = crashes
    }

    /// What can be seen whole while somebody waits. More of anything is millions of states.
    public static let standard = [
        ExplorationBounds(timeouts: 1, proposals: 0, crashes: 2),
        ExplorationBounds(isSettled: true, timeouts: 2, proposals: 0, crashes: 0),
        ExplorationBounds(isSettled: true, timeouts: 1, proposals: 1, crashes: 0),
        ExplorationBounds(isSettled: true, timeouts: 1, proposals: 0, crashes: 3),
        ExplorationBounds(isSettled: true, timeouts: 0, proposals: 1, crashes: 2),
    ]
}

extension ExplorationBounds: CustomStringConvertible {
    public var description: String {
        "\(isSettled ? "a settled cluster" : "a new cluster"), \(timeouts) timeouts, \(proposals) proposals, \(crashes) crashes"
    }
}
