import Raft

/// Raft's settings for this process, with a seed of its own.
enum RaftTimers {
    static var settings: RaftSettings { RaftSettings(seed: UInt64.random(in: .min ... .max)) }
}
