import Raft
import Testing

@testable import ClusterState

@Suite("Copies are free")
struct CopyTests {
    @Test("an entry after a copy copies a path in each table it touches, however big the tables are")
    func smallCopies() throws {
        var settings = Settings()
        settings.admissionLimitBytes = 1 << 40
        var cluster = try Cluster(nodes: 1, slots: 10, settings: settings)
        for number in 0..<3_000 { try cluster.submit("t\(number)") }
        let total = census(cluster.state).count
        for number in 0..<20 {
            let copy = cluster.state
            let before = census(copy)
            try cluster.submit("n\(number)")
            let copied = census(cluster.state).subtracting(before).count
            #expect(copied < 60 && copied * 10 < total, "\(copied) of \(total) nodes")
            #expect(copy.counts.total == cluster.state.counts.total - 1)
        }
    }

    @Test("a reader sees the state as it was when it took it")
    func isolation() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let copy = cluster.state
        let digest = copy.canonicalDigest()
        try cluster.run("a")
        try cluster.persistAll()
        #expect(copy.task(key("a"))?.status == .assigned && copy.canonicalDigest() == digest)
    }

    /// Every node of every big container.
    private func census(_ state: ClusterState) -> Set<ObjectIdentifier> {
        let tables = state.tables
        return NodeCensus(tables.specs.rows).nodes
            .union(NodeCensus(tables.tasks.rows).nodes)
            .union(NodeCensus(tables.events.rows).nodes)
            .union(NodeCensus(tables.outcomes.rows).nodes)
            .union(NodeCensus(tables.flows.rows).nodes)
            .union(NodeCensus(state.indexes.created.members).nodes)
            .union(NodeCensus(state.indexes.outbox.members).nodes)
            .union(NodeCensus(state.indexes.queue.members).nodes)
            .union(NodeCensus(state.indexes.flows.members).nodes)
            .union(NodeCensus(state.position.recentHashes).nodes)
    }
}
