import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Nodes come and go")
struct NodeTests {
    @Test("a lost node's tasks go on elsewhere under new epochs")
    func lost() throws {
        var cluster = try Cluster(nodes: 2, slots: 4)
        for id in ["a", "b", "c", "d"] { try cluster.submit(id) }
        let moved = cluster.state.assignments(of: NodeID(1), boot: BootID(1)).map(\.id)
        #expect(moved.count == 2)
        let applied = try cluster.leave(1)
        #expect(applied.released == moved && applied.assigned.sorted() == moved.sorted())
        for id in moved {
            let task = try cluster.task(id)
            #expect(task.assignment?.node == NodeID(2) && task.assignment?.epoch == Epoch(applied.index.rawValue))
            #expect(task.record.attempt == 1, "it had not begun, so no attempt was spent")
        }
        #expect(cluster.state.node(NodeID(1))?.status == .left && cluster.state.node(NodeID(1))?.freeSlots == 0)
    }

    @Test("a judgement about another boot, or by a leader of another term, is stale")
    func stale() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(try cluster.leave(1, boot: 2).rejection == .stale)
        let left = NodeLeft.with {
            $0.nodeID = 1
            $0.bootID = 1
            $0.proposerTerm = cluster.term.rawValue
        }
        cluster.term = cluster.term.next
        #expect(try cluster.propose(.nodeLeft(left)).rejection == .stale)
        #expect(try cluster.leave(7).rejection == .unknownNode)
        #expect(try cluster.leave(1).rejection == nil)
        #expect(try cluster.leave(1).outcome == .done(count: 0))
    }

    @Test("a younger boot releases what the older one had, though nobody saw it die")
    func reboot() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.start("a", steps: [0])
        let applied = try cluster.join(1, boot: 2)
        #expect(applied.released == ["a"] && applied.assigned == ["a"])
        let task = try cluster.task("a")
        #expect(task.assignment?.boot == BootID(2) && task.record.attempt == 2 && task.record.suspect)
        #expect(try cluster.join(1, boot: 1).rejection == .stale)
    }

    @Test("the same boot again brings a node back that was taken for gone")
    func returning() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.leave(1)
        try cluster.submit("a")
        #expect(try cluster.status("a") == .pending)
        #expect(try cluster.join(1).assigned == ["a"])
        #expect(try cluster.join(1).events.isEmpty, "nothing new")
    }

    @Test("another data folder under a known id is refused")
    func incarnation() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(try cluster.join(1, boot: 2, incarnation: 999).rejection == .unknownIncarnation)
        #expect(cluster.state.node(NodeID(1))?.record.bootID == 1)
    }

    @Test("a suspended node gets nothing new and finishes what it has")
    func suspended() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let drain = NodeSuspended.with {
            $0.nodeID = 1
            $0.bootID = 1
            $0.reasonCode = .drain
        }
        #expect(try cluster.propose(.nodeSuspended(drain)).eventNames == ["member_changed"])
        try cluster.submit("b")
        #expect(try cluster.status("b") == .pending)
        try cluster.run("a")
        #expect(try cluster.status("a") == .completed && cluster.state.freeSlots == 0)
        #expect(try cluster.join(1).assigned == ["b"])
    }

    @Test("two nodes that die under a task make it poison; a goodbye is no death")
    func poison() throws {
        var cluster = try Cluster(nodes: 3)
        try cluster.submit("a") { $0.maxAttempts = 10 }
        for (round, cause) in [DepartureCode.shutdown, .lost, .lost].enumerated() {
            let node = try #require(try cluster.node(of: "a"))
            try cluster.start("a", steps: [0])
            try cluster.leave(node, cause: cause)
            #expect(try cluster.task("a").record.suspect == (round > 0))
        }
        let record = try cluster.task("a").record
        #expect(record.status == .failed && record.failure.reason == .poison && record.nodeDeaths == 2)
        #expect(cluster.state.totals.nodeDeaths == 2)
    }

    @Test("attempts are bounded over the cluster")
    func maxAttempts() throws {
        var cluster = try Cluster(nodes: 1, slots: 0)
        try cluster.submit("a") { $0.maxAttempts = 2 }
        for boot in 1...2 as ClosedRange<UInt64> {
            #expect(try cluster.join(2, boot: boot).assigned == ["a"])
            try cluster.start("a")
            try cluster.leave(2, boot: boot, cause: .shutdown)
        }
        #expect(try cluster.task("a").record.failure.reason == .maxAttempts)
    }

    @Test("ten thousand tasks of a dead node move at most 256 an entry, and all of them")
    func manyReleases() throws {
        var settings = Settings()
        settings.admissionLimitBytes = 1 << 40
        var cluster = try Cluster(nodes: 0, settings: settings)
        try cluster.join(1, slots: 10_000)
        for number in 0..<10_000 { try cluster.submit("t\(number)") }
        try cluster.join(2, slots: 10_000)
        var applied = try cluster.leave(1)
        var entries = 0
        var moved = 0
        while true {
            #expect(applied.released.count <= 256 && applied.assigned.count <= 256)
            moved += applied.released.count
            entries += 1
            guard cluster.state.nextTimer == cluster.state.now else { break }
            applied = try cluster.fireTimers()
        }
        #expect(moved == 10_000 && entries == 40 && cluster.work == 0)
        #expect(cluster.state.assignments(of: NodeID(2), boot: BootID(1)).count == 10_000)
        Invariants.check(cluster.state, "after the move")
    }

    @Test("while a boot is being released it gets nothing, and what it says is fenced")
    func releasing() throws {
        var limits = Limits()
        limits.movesPerEntry = 1
        var cluster = try Cluster(nodes: 1, limits: limits)
        for id in ["a", "b", "c"] {
            try cluster.submit(id)
            try cluster.start(id)
        }
        try cluster.leave(1)
        let back = try cluster.join(1)
        #expect(back.released == ["b"] && back.assigned.isEmpty)
        let epoch = try cluster.task("c").record.epoch
        // The command that is fenced also moves the release on, and with its end the boot is taken for new.
        #expect(try cluster.finish("c", epoch: epoch, .failed).rejection == .fenced(current: Epoch(epoch)))
        #expect(cluster.work == 0)
        #expect(cluster.state.assignments(of: NodeID(1), boot: BootID(1)).count == 3)
    }

    @Test("at most 64 nodes", arguments: [63, 64])
    func nodeLimit(existing: Int) throws {
        var cluster = try Cluster(nodes: existing)
        let rejection = try cluster.join(1_000).rejection
        #expect(rejection == (existing < 64 ? nil : .invalid(field: "node_id")))
    }
}
