@testable import Raft

/// A node around its Raft: a disk, a state machine, a clock of its own.
struct SimulatedNode {
    let id: NodeID
    /// Nil while the process is down.
    private(set) var raft: Raft?
    /// Whether there is a `raft`; kept apart because asking the other copies it in a debug build.
    private(set) var isUp = false
    var disk: SimulatedDisk
    /// Counts the starts; events meant for an earlier process are void.
    var boot = 0
    var bootTime: UInt64 = 0
    /// The node's milliseconds for a thousand of the world's.
    var clockRate: UInt64 = 1000
    var pausedUntil: UInt64 = 0
    var diskStalledUntil: UInt64 = 0
    /// When the next `wake` is due; others are outdated.
    var nextWake: UInt64?
    var diskIsBusy = false
    var machineApplied = LogIndex.zero
    var snapshotIsBeingSaved = false
    /// Reads that have no answer yet.
    var openReads: [ReadToken] = []
    var transfersBegun = 0
    var transferOutcomes: [TransferOutcome] = []

    init(id: NodeID, membership: Membership) {
        self.id = id
        disk = SimulatedDisk(membership: membership)
    }

    mutating func start(_ new: Raft) {
        raft = new
        isUp = true
    }

    mutating func stop() {
        raft = nil
        isUp = false
    }

    mutating func step(_ input: Input, at time: UInt64) -> [Effect] {
        let tick = localTick(time)
        return raft?.step(input, at: tick) ?? []
    }

    func localTick(_ time: UInt64) -> Tick { Tick((time - bootTime) * clockRate / 1000) }

    /// The first millisecond of the world at which the node's clock shows `tick`.
    func worldTime(of tick: Tick) -> UInt64 { bootTime + (tick.rawValue * 1000 + clockRate - 1) / clockRate }
}
