import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("The queue: priority, then fairness, then arrival")
struct QueueTests {
    /// One slot, taken; everything submitted after waits.
    func busyCluster() throws -> Cluster {
        var cluster = try Cluster(nodes: 1, slots: 1)
        try cluster.submit("busy")
        return cluster
    }

    /// Runs what is assigned until the queue is empty; the order in which tasks got the slot.
    func drain(_ cluster: inout Cluster) throws -> [String] {
        var order: [String] = []
        while let running = cluster.state.assignments(of: NodeID(1), boot: BootID(1)).first {
            order.append(running.id)
            try cluster.run(running.id)
        }
        return Array(order.dropFirst())
    }

    @Test("the most urgent goes first, equals in order of arrival")
    func priorities() throws {
        var cluster = try busyCluster()
        for (id, priority) in [("a", 5), ("b", 1), ("c", 9), ("d", 1), ("e", 0)] as [(String, UInt32)] {
            try cluster.submit(id) {
                $0.priority = priority
                $0.createdBy = id
            }
        }
        #expect(try drain(&cluster) == ["b", "d", "a", "e", "c"])
    }

    @Test("who submits much at once lets others pass")
    func fairness() throws {
        var cluster = try busyCluster()
        for number in 0..<6 { try cluster.submit("a\(number)") { $0.createdBy = "alice" } }
        for number in 0..<3 { try cluster.submit("b\(number)") { $0.createdBy = "bob" } }
        try cluster.submit("c0", tenant: "default") { $0.createdBy = "carol" }
        #expect(try drain(&cluster) == ["a0", "b0", "c0", "a1", "b1", "a2", "b2", "a3", "a4", "a5"])
    }

    @Test("who was idle does not save up turns, who was busy owes none for ever")
    func noCredit() throws {
        var cluster = try busyCluster()
        for number in 0..<4 { try cluster.submit("a\(number)") { $0.createdBy = "alice" } }
        // Alice is served twice before Bob comes: he starts at her level, not at the beginning.
        try cluster.run("busy")
        try cluster.run("a0")
        try cluster.run("a1")
        for number in 0..<3 { try cluster.submit("b\(number)") { $0.createdBy = "bob" } }
        try cluster.submit("a4") { $0.createdBy = "alice" }
        #expect(try drain(&cluster) == ["b0", "a3", "b1", "b2", "a4"])
    }

    @Test("tenants are flows of their own, even with the same principal")
    func tenants() throws {
        var cluster = try busyCluster()
        for number in 0..<2 { try cluster.submit("a\(number)") }
        try cluster.submit("b", tenant: "other")
        #expect(cluster.flows == 2)
    }

    @Test("flows that owe nothing are forgotten")
    func flowsAreForgotten() throws {
        var cluster = try busyCluster()
        for number in 0..<50 { try cluster.submit("t\(number)") { $0.createdBy = "user\(number)" } }
        #expect(cluster.flows == 50)
        _ = try drain(&cluster)
        try cluster.submit("busy2")
        for number in 0..<20 { try cluster.submit("u\(number)") { $0.createdBy = "user\(number)" } }
        _ = try drain(&cluster)
        #expect(cluster.flows <= 20, "no more are left than the last burst had")
    }

    @Test("over a long run every flow gets its share", arguments: Fuzz.seeds(1...3))
    func shares(seed: UInt64) throws {
        var random = Random(seed: seed)
        var cluster = try busyCluster()
        let users = ["a", "b", "c"]
        var waiting = [String: Int]()
        // a floods, c trickles; none of them runs dry.
        for number in 0..<300 {
            let user = users[[0, 0, 0, 0, 0, 0, 1, 1, 2, 2][random.below(10)]]
            try cluster.submit("\(user)-\(number)") { $0.createdBy = user }
            waiting[user, default: 0] += 1
        }
        let least = try #require(waiting.values.min())
        let order = try drain(&cluster).prefix(least * 3)
        for user in users {
            let served = order.count { $0.hasPrefix(user) }
            #expect(abs(served - least) <= 1, "seed \(seed): \(user) was served \(served) of \(least)")
        }
    }

    @Test("at most 256 are assigned by one entry, the rest by those that follow")
    func bounded() throws {
        var cluster = try Cluster(nodes: 1, slots: 0)
        for number in 0..<600 { try cluster.submit("t\(number)") { $0.resultLimitBytes = 100 } }
        let arrival = try cluster.join(1, slots: 1_000)
        #expect(arrival.assigned.count == 256 && cluster.state.nextTimer == cluster.state.now)
        #expect(try cluster.fireTimers().assigned.count == 256)
        #expect(try cluster.fireTimers().assigned.count == 88)
        #expect(cluster.state.nextTimer == nil)
    }
}
