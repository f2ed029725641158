import ClusterState
import Raft
import WriteAheadLog

extension SimulationOptions {
    /// A world drawn from its seed: each fault, feature and limit is on in some and off in others.
    static func swarm(seed: UInt64) -> SimulationOptions {
        var random = RandomStream(seed: seed, subject: .topology)
        var options = SimulationOptions()
        options.seed = seed
        options.nodes = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7])
        options.safetyTime = random.time(5_000_000...20_000_000)
        options.drawSettings(&random)
        options.drawNetwork(&random)
        options.drawNode(&random)
        options.drawNodeFaults(&random)
        options.drawOtherFaults(&random)
        options.drawWorkload(&random)
        options.drawReconfiguration(&random)
        options.faults.cutAtTransfer = random.pick([0, 0, 300])
        options.node.lowestPriority = random.pick([0, 0, 0, 3])
        options.faults.pauseAtHeartbeat = random.pick([0, 0, 5])
        let newest = ClusterState.supportedMachineVersion
        options.node.oldestVersion = random.pick([newest, newest, UInt32(random.number(1...Int(newest)))])
        return options
    }

    private mutating func drawSettings(_ random: inout RandomStream) {
        if random.chance(perMille: 700) {
            settings.heartbeatMilliseconds = random.pick([10, 20, 50])
            settings.electionMilliseconds = settings.heartbeatMilliseconds * random.pick([4, 6, 10])
            settings.electionJitterMilliseconds = settings.electionMilliseconds / random.pick([1, 2, 4])
        }
        settings.diskStallMilliseconds = random.pick([200, 1000])
        settings.maximumAppendBytes = random.pick([1, 600, 4 << 10, 64 << 10, 256 << 10])
        settings.maximumInFlightAppends = random.number(1...8)
        settings.maximumApplyEntries = random.pick([1, 4, 64, 4096])
        settings.maximumApplyBytes = random.pick([64, 4 << 10, 8 << 20])
        settings.maximumPendingReads = random.pick([2, 64, 65_536])
        // Room for the largest proposal beside those that the nodes make on their own.
        settings.maximumUncommittedBytes = random.pick([3000, 64 << 10, 64 << 20])
    }

    private mutating func drawNetwork(_ random: inout RandomStream) {
        network.loss = random.pick([0, 0, 1000, 10_000, 100_000, 300_000])
        network.duplication = random.pick([0, 0, 10_000, 300_000])
        network.reordering = random.pick([0, 0, 20_000, 500_000])
        network.delay = random.pick([50...200, 100...1000, 500...5000, 2000...30_000])
        network.slowness = random.pick([0, 0, 1000, 30_000])
        network.capacity = random.pick([4, 32, 10_000, 10_000])
        network.silenceLimit = random.pick([3_000_000, 3_000_000, 3_600_000_000])
        network.framesOutliveConnections = random.chance(perMille: 300)
        network.usesCodec = random.chance(perMille: 100)
    }

    private mutating func drawNode(_ random: inout RandomStream) {
        node.applyDelay = random.pick([1...10, 10...500, 1000...40_000])
        node.writeDelay = random.pick([50...300, 200...4000, 2000...10_000, 1000...60_000])
        node.snapshotAfterEntries = random.pick([5, 20, 60, 200, 1000])
        node.retainedEntries = random.pick([0, 5, 30, 500, 10_000])
        node.snapshotChunkBytes = random.pick([512, 4 << 10, 256 << 10])
        node.snapshotPatience = random.pick([500_000, 3_000_000])
        node.gatheredBytes = random.pick([0, 500, 256 << 10])
        node.clockDrift = random.pick([0, 0, 1000, 50_000])
        node.log = random.pick([
            DurableLog.Limits(
                maximumPayloadBytes: 2 << 10, maximumFrameBytes: 4 << 10, segmentBytes: 8 << 10, zeroFillBytes: 4 << 10,
                readAheadBytes: 4 << 10),
            DurableLog.Limits(
                maximumPayloadBytes: 8 << 10, maximumFrameBytes: 16 << 10, segmentBytes: 64 << 10,
                zeroFillBytes: 64 << 10, readAheadBytes: 64 << 10),
        ])
    }

    private mutating func drawNodeFaults(_ random: inout RandomStream) {
        faults.crash = random.pick([0, 5, 20, 40])
        faults.exit = random.pick([0, 0, 10, 20])
        faults.terminate = random.pick([0, 0, 5])
        faults.pause = random.pick([0, 0, 10, 30])
        faults.transfer = random.pick([0, 0, 20])
        faults.crashAtEffect = random.pick([0, 0, 50, 500])
        faults.crashAtStart = random.pick([0, 0, 100])
        faults.wipe = random.pick([0, 0, 0, 1])
        faults.isBeyondAtlas = random.chance(perMille: 50)
    }

    private mutating func drawOtherFaults(_ random: inout RandomStream) {
        faults.cut = random.pick([0, 10, 30, 60])
        faults.clog = random.pick([0, 0, 20])
        faults.swizzle = random.pick([0, 0, 10])
        faults.linkFlap = random.pick([0, 0, 20, 60])
        faults.diskStall = random.pick([0, 0, 10, 20])
        faults.longestStall = random.pick([50_000, 2_000_000, 30_000_000])
        faults.syncFailure = random.pick([0, 0, 5])
        faults.diskFull = random.pick([0, 0, 10])
        faults.bitFlip = random.pick([0, 0, 2])
        faults.misdirection = random.pick([0, 0, 2])
    }

    /// How many disks may be damaged depends on who votes: worlds whose members change have none that are.
    private mutating func drawReconfiguration(_ random: inout RandomStream) {
        guard nodes > 1, random.chance(perMille: 350) else { return }
        // Of an even number of voters two majorities may have one node in common, which is where changes go wrong.
        nodes = random.pick([nodes, nodes, 4])
        faults.reconfiguration = random.pick([10, 40, 120])
        faults.changeAtElection = random.pick([0, 300, 1000])
        faults.cutAtChange = random.pick([0, 500, 1000])
        faults.snapshotAtChange = random.pick([0, 200, 1000])
        founders = random.pick([nodes, random.number(1...nodes)])
        faults.membersByCommand = random.chance(perMille: 500)
        if faults.membersByCommand {
            faults.newFolder = random.pick([0, 20, 100])
            drawNewcomers(&random)
        }
        (faults.wipe, faults.bitFlip, faults.misdirection, faults.isBeyondAtlas) = (0, 0, 0, false)
    }

    /// A new folder is in danger where its log begins with a configuration in which the node was alone, and is read in small steps.
    private mutating func drawNewcomers(_ random: inout RandomStream) {
        faults.cutNewcomer = random.pick([0, 300, 1000])
        guard faults.cutNewcomer > 0 else { return }
        faults.newFolder = random.pick([20, 100])
        faults.reconfiguration = random.pick([40, 120])
        founders = random.pick([founders, 1])
        if random.chance(perMille: 500) { (settings.maximumAppendBytes, node.retainedEntries) = (1, 10_000) }
    }

    private mutating func drawWorkload(_ random: inout RandomStream) {
        workload.clients = random.number(1...8)
        workload.keys = random.pick([1, 3, 20])
        workload.thinkTime = random.pick([1000...100_000, 50_000...1_000_000])
        workload.titleBytes = random.pick([1, 200, 1200])
        workload.submissions = random.pick([0, 2])
        workload.cancellations = random.pick([0, 1])
    }
}
