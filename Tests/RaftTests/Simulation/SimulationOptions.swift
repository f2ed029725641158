@testable import Raft

/// Everything a run is made of, drawn from its seed: every fault and limit is on in some seeds and off in others.
struct SimulationOptions {
    var nodes = 3
    var seed: UInt64 = 1
    /// Virtual milliseconds of the phase with faults.
    var safetyMilliseconds: UInt64 = 0

    // Network, per message.
    var lossPerMille = 0
    var duplicationPerMille = 0
    var reorderPerMille = 0
    var delay: ClosedRange<UInt64> = 1...1
    var slowPerMille = 0
    /// Messages pass through their bytes.
    var usesCodec = false

    // Nodes.
    var diskDelay: ClosedRange<UInt64> = 0...0
    var applyDelay: ClosedRange<UInt64> = 0...0
    var clockDriftPerMille = 0
    /// Between two effects of a step.
    var crashAtEffectPer10000 = 0
    /// Applied entries between two snapshots, and those kept in the log behind one; nil takes no snapshots.
    var snapshotEvery: Int?
    var keptBehindSnapshot = 0

    // How often per thousand fault draws (one each 20 ms).
    var crashPerMille = 0
    var pausePerMille = 0
    var cutPerMille = 0
    var linkFlapPerMille = 0
    var diskStallPerMille = 0
    var transferPerMille = 0

    // Workload, milliseconds between two.
    var proposalEvery: UInt64?
    var readEvery: UInt64?
    var maximumProposalBytes = 64

    var settings = RaftSettings(seed: 0)
    /// A random minority stays down while the rest must serve.
    var keepsMinorityDown = false

    static func quiet(nodes: Int, seed: UInt64 = 1) -> SimulationOptions {
        var options = SimulationOptions()
        options.nodes = nodes
        options.seed = seed
        return options
    }

    static func swarm(seed: UInt64) -> SimulationOptions {
        var random = SeededRandom(seed: seed, stream: 1)
        var options = SimulationOptions()
        options.seed = seed
        options.nodes = random.pick([1, 2, 3, 3, 3, 4, 5, 5, 6, 7])
        options.safetyMilliseconds = 2500
        options.drawNetwork(&random)
        options.drawNodes(&random)
        options.drawFaults(&random)
        options.drawSettings(&random)
        options.proposalEvery = random.pick([10, 20, 50])
        options.readEvery = random.pick([nil, 15, 60])
        options.keepsMinorityDown = random.chance(400)
        options.usesCodec = random.chance(250)
        return options
    }

    private mutating func drawNetwork(_ random: inout SeededRandom) {
        lossPerMille = random.pick([0, 0, 10, 100, 300])
        duplicationPerMille = random.pick([0, 0, 20, 300])
        reorderPerMille = random.pick([0, 0, 50, 500])
        delay = random.pick([0...1, 1...3, 1...20, 5...40])
        slowPerMille = random.pick([0, 0, 5, 30])
    }

    private mutating func drawNodes(_ random: inout SeededRandom) {
        diskDelay = random.pick([0...0, 0...2, 1...10, 0...60])
        applyDelay = random.pick([0...0, 0...5, 0...40])
        clockDriftPerMille = random.pick([0, 0, 20, 100])
        crashAtEffectPer10000 = random.pick([0, 0, 3, 15])
        snapshotEvery = random.pick([nil, 5, 10, 40])
        keptBehindSnapshot = random.pick([0, 0, 3, 10])
    }

    private mutating func drawFaults(_ random: inout SeededRandom) {
        crashPerMille = random.pick([0, 10, 40])
        pausePerMille = random.pick([0, 0, 15])
        cutPerMille = random.pick([0, 20, 60])
        linkFlapPerMille = random.pick([0, 20, 100])
        diskStallPerMille = random.pick([0, 0, 15])
        transferPerMille = random.pick([0, 30, 60])
    }

    private mutating func drawSettings(_ random: inout SeededRandom) {
        if random.chance(700) {
            settings.heartbeatMilliseconds = 20
            settings.electionMilliseconds = 120
            settings.electionJitterMilliseconds = 80
        }
        settings.maximumAppendBytes = random.pick([1, 200, 1000, 256 << 10])
        settings.maximumInFlightAppends = random.pick([1, 2, 4, 8])
        settings.maximumApplyEntries = random.pick([1, 4, 4096])
        settings.maximumApplyBytes = random.pick([64, 1000, 8 << 20])
        settings.maximumPendingReads = random.pick([2, 65_536])
        settings.maximumUncommittedBytes = random.pick([300, 64 << 20])
        settings.maximumProposalBytes = random.pick([48, 2 << 20])
    }
}
