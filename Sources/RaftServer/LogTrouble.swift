/// What is wrong with the disk of a node's log, for as long as it is.
public enum LogTrouble: String, CaseIterable, Sendable, CustomStringConvertible {
    /// There is no room for another segment. What is left of the last one is kept for what finishes and frees work.
    case full
    /// Nothing more can be written before there is room; nothing is acknowledged meanwhile, and nothing is lost.
    case exhausted
    /// A write has not come back for longer than a leader may wait for one (`RaftSettings.diskStallMilliseconds`).
    case stalled

    /// Whether room is what it lacks. A disk that does not answer may the next moment: requests are held meanwhile, not refused.
    public var isOfRoom: Bool { self != .stalled }

    public var description: String {
        switch self {
        case .full:
            "the disk of the log is full: this node gives leadership away, and gets no tasks, until there is room"
        case .exhausted:
            "the disk of the log is full, and what was kept of it is used up: nothing is written until there is room"
        case .stalled: "the disk of the log does not answer"
        }
    }
}
