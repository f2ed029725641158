import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Entries that are skipped")
struct SkipTests {
    @Test("nothing of the entry takes effect, and the chain differs from that of any other way past it")
    func effect() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let before = cluster.state
        var applied = cluster
        try applied.submit("b")
        var refused = cluster
        #expect(try refused.submit("a").rejection == .alreadyExists)
        var internalEntry = cluster.state
        _ = internalEntry.applyInternal(index: before.index.next, term: before.term)
        let skip = cluster.state.skip(index: before.index.next, term: before.term)
        #expect(
            skip.index == before.index.next && skip.session == nil && skip.events.isEmpty
                && skip.hash == cluster.state.hash)
        #expect(cluster.state.index == before.index.next && cluster.state.counts == before.counts)
        #expect(cluster.state.now == before.now)
        let hashes = [before, applied.state, refused.state, internalEntry, cluster.state].map(\.hash)
        #expect(Set(hashes).count == hashes.count)
        try cluster.submit("b")
        #expect(try cluster.status("b") == .assigned)
        Invariants.check(cluster.state, "after a skip")
    }

    @Test("a snapshot does not hide it: whoever begins there has the chain of those who skipped")
    func snapshot() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        _ = cluster.state.skip(index: cluster.state.index.next, term: cluster.state.term)
        var writer = SnapshotWriter(cluster.state)
        var reader = SnapshotReader()
        while let chunk = writer.next() { try reader.append(chunk[...]) }
        var restored = cluster
        restored.state = try reader.finish()
        #expect(restored.state.hash == cluster.state.hash)
        try cluster.submit("b")
        try restored.submit("b")
        #expect(restored.state.hash == cluster.state.hash)
    }
}
