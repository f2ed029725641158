import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("The cluster and its versions")
struct VersionTests {
    @Test("nothing counts before the cluster is created, and it is created once")
    func creation() throws {
        var cluster = Cluster()
        #expect(try cluster.join(1).rejection == .noCluster)
        let creation = Command.OneOf_Body.clusterCreated(
            .with {
                $0.clusterID = "c"
                $0.generation = 1
            })
        #expect(try cluster.propose(creation).outcome == .done(count: 1))
        #expect(try cluster.propose(creation).rejection == .clusterExists)
        #expect(cluster.state.clusterID == "c" && cluster.state.generation == 1 && cluster.state.machineVersion == 1)
        #expect(cluster.state.settings.idempotencyLimit == 1_000_000, "defaults are filled in")
    }

    @Test("settings outside their range are named")
    func settings() throws {
        var cluster = try Cluster(nodes: 0)
        let changes: [(String, (inout Settings) -> Void)] = [
            ("settings.eviction_grace_milliseconds", { $0.evictionGraceMilliseconds = 1 }),
            ("settings.idempotency_milliseconds", { $0.idempotencyMilliseconds = 899_999 }),
            ("settings.idempotency_limit", { $0.idempotencyLimit = 1_000_001 }),
            ("settings.result_limit_bytes", { $0.resultLimitBytes = 2 << 20 }),
        ]
        for (field, change) in changes {
            let applied = try cluster.propose(.settingsChanged(.with { change(&$0.settings) }))
            #expect(applied.rejection == .invalid(field: field))
        }
    }

    private let newer = ClusterState.supportedMachineVersion + 1

    @Test("a new cluster begins at the version that its creator names, if this build knows it")
    func beginning() throws {
        func creation(_ version: UInt32) -> Command.OneOf_Body {
            .clusterCreated(
                .with {
                    $0.clusterID = "c"
                    $0.generation = 1
                    $0.machineVersion = version
                })
        }
        var cluster = Cluster()
        #expect(throws: UpgradeRequired(index: LogIndex(1), machineVersion: newer)) {
            try cluster.propose(creation(newer))
        }
        try cluster.propose(creation(ClusterState.supportedMachineVersion))
        #expect(cluster.state.machineVersion == ClusterState.supportedMachineVersion)
        #expect(try cluster.propose(creation(newer)).rejection == .clusterExists)
    }

    @Test("an entry above what this build knows stops it and changes nothing")
    func above() throws {
        var cluster = try Cluster(nodes: 1)
        var envelope = try Envelope(
            command: Command(.timersDue(TimersDue())), session: nil, sequence: 0, floor: 0, tenant: "default")
        envelope.machineVersion = newer
        let before = (cluster.state.hash, cluster.state.index)
        #expect(throws: UpgradeRequired(index: cluster.state.index.next, machineVersion: newer)) {
            try cluster.apply(envelope.encoded())
        }
        for place in [0, 1, 2] {
            var foreign = try Envelope(
                command: Command(.timersDue(TimersDue())), session: nil, sequence: 0, floor: 0, tenant: "default"
            ).encoded()
            foreign[place] = 9
            // Straight to apply: only an envelope of a known format can be stamped.
            #expect(throws: UpgradeRequired(index: cluster.state.index.next, machineVersion: nil)) {
                try cluster.state.apply(index: cluster.state.index.next, term: cluster.term, entry: foreign[...])
            }
        }
        #expect(before == (cluster.state.hash, cluster.state.index))
        #expect(try cluster.submit("a").rejection == nil, "the value itself is sound")
    }

    @Test("the version rises only when every node can, and a build that cannot stops there")
    func rising() throws {
        var cluster = try Cluster(nodes: 2)
        let rise = Command.OneOf_Body.setMachineVersion(.with { $0.version = newer })
        #expect(try cluster.propose(rise).rejection == .notAllNodesReady(lowest: 1))
        try cluster.join(1, boot: 2, version: newer)
        #expect(try cluster.propose(rise).rejection == .notAllNodesReady(lowest: 1))
        try cluster.join(2, boot: 2, version: newer)
        #expect(throws: UpgradeRequired(index: cluster.state.index.next, machineVersion: newer)) {
            try cluster.propose(rise)
        }
        #expect(try cluster.propose(.setMachineVersion(.with { $0.version = 1 })).outcome == .done(count: 0))
        #expect(try cluster.propose(.setMachineVersion(.with { $0.version = 2 })).outcome == .done(count: 1))
        #expect(try cluster.propose(.setMachineVersion(.with { $0.version = 1 })).rejection == .stale)
    }

    /// A state of the newest version, and a value beside it that stands in for a build of the version before.
    private func older() throws -> (old: ClusterState, cluster: Cluster) {
        var cluster = try Cluster(nodes: 1)
        try cluster.join(1, boot: 2, version: ClusterState.supportedMachineVersion)
        var twin = Cluster()
        twin.state = ClusterState(supporting: ClusterState.supportedMachineVersion - 1)
        try twin.propose(.clusterCreated(.with { ($0.clusterID, $0.generation) = ("test-cluster", 1) }))
        try twin.join(1)
        try twin.join(1, boot: 2, version: ClusterState.supportedMachineVersion)
        return (twin.state, cluster)
    }

    @Test("a value that stands in for an older version applies what that did, and is the same as any other")
    func standsIn() throws {
        let (old, cluster) = try older()
        var twin = cluster
        twin.state = old
        var newest = cluster
        #expect(twin.state.hash == newest.state.hash)
        for number in 0..<5 {
            #expect(try twin.submit("t\(number)").hash == newest.submit("t\(number)").hash)
        }
    }

    @Test("a value that stands in for an older version stops before what is newer: a rise, an entry, a snapshot")
    func stopsBeforeNewer() throws {
        let newest = ClusterState.supportedMachineVersion
        let (old, cluster) = try older()
        var twin = cluster
        twin.state = old
        let stop = UpgradeRequired(index: old.index.next, machineVersion: newest)
        let rise = Command.OneOf_Body.setMachineVersion(.with { $0.version = newest })
        #expect(throws: stop) { try twin.propose(rise) }
        var entry = try Envelope(
            command: Command(.timersDue(TimersDue())), session: nil, sequence: 0, floor: 0, tenant: "default")
        entry.machineVersion = newest
        #expect(throws: stop) { try twin.apply(entry.encoded()) }
        #expect(twin.state.hash == old.hash && twin.state.index == old.index)

        var risen = cluster
        func chunks() -> [UInt8] {
            var writer = SnapshotWriter(risen.state)
            var bytes: [UInt8] = []
            while let chunk = writer.next() { bytes += chunk }
            return bytes
        }
        var reader = SnapshotReader(supporting: newest - 1)
        try reader.append(chunks())
        #expect(try reader.finish().supportedVersion == newest - 1)
        #expect(try risen.propose(rise).outcome == .done(count: 1))
        var refusing = SnapshotReader(supporting: newest - 1)
        let refusal = #expect(throws: SnapshotError.self) { try refusing.append(chunks()) }
        #expect("\(refusal.map { "\($0)" } ?? "")".contains("machine version \(newest): upgrade this node"))
    }

    @Test(
        "what is no command is an outcome like any other", arguments: [[], [1], Array(repeating: UInt8(1), count: 90)])
    func malformed(bytes: [UInt8]) throws {
        var cluster = try Cluster(nodes: 1)
        let hash = cluster.state.hash
        let index = cluster.state.index.next
        let applied = try cluster.state.apply(index: index, term: cluster.term, entry: bytes[...])
        #expect(applied.rejection == .malformed && applied.hash != hash && cluster.state.index == index)
    }

    @Test("every entry moves the chain, and recent hashes can be asked for")
    func chain() throws {
        var cluster = try Cluster(nodes: 1)
        var hashes: [LogIndex: StateHash] = [:]
        for number in 0..<5 {
            let applied = try cluster.submit("t\(number)")
            hashes[applied.index] = applied.hash
        }
        let index = cluster.state.index.next
        let noop = cluster.state.applyInternal(index: index, term: cluster.term)
        hashes[index] = noop.hash
        #expect(Set(hashes.values).count == 6)
        for (index, hash) in hashes { #expect(cluster.state.hash(at: index) == hash) }
        #expect(cluster.state.hash(at: index.next) == nil)
    }

    /// If this fails, the encoding of changes has changed: nodes of both builds in one cluster would disagree. Such a
    /// change needs a new machine version.
    @Test("the chain over a fixed log is what it always was")
    func pinned() throws {
        var cluster = try Cluster(nodes: 2)
        try cluster.submit("a") { $0.steps = TaskSpec.steps(2) }
        try cluster.submit("b") { $0.dependsOn = ["a"] }
        try cluster.start("a", steps: [0])
        try cluster.complete("a", step: 0, result: "one")
        try cluster.complete("a", step: 1, result: "two", finish: .resultOfStep(1))
        try cluster.cancel("b")
        try cluster.persistAll()
        try cluster.leave(1)
        #expect("\(cluster.state.hash)" == "a33c9999cb73b1f648728639118a04ff5417475e6daf5dc92215fbe50db8c662")
    }
}
