import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Snapshots")
struct SnapshotTests {
    func chunks(of state: ClusterState) -> [[UInt8]] {
        var writer = SnapshotWriter(state)
        var chunks: [[UInt8]] = []
        while let chunk = writer.next() { chunks.append(chunk) }
        return chunks
    }

    func read(_ bytes: [UInt8], pieces: Int = .max) throws -> ClusterState {
        var reader = SnapshotReader()
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return try reader.finish()
    }

    /// A state with something in every table that can be filled by hand.
    func richState() throws -> Cluster {
        var cluster = try Cluster(nodes: 2, slots: 3)
        for number in 0..<12 {
            try cluster.submit("t\(number)") {
                $0.steps = TaskSpec.steps(2)
                $0.createdBy = "user\(number % 3)"
                if number > 9 { $0.dependsOn = ["t\(number - 5)"] }
                if number == 8 { $0.deadlineMilliseconds = 60_000 }
            }
        }
        try cluster.complete("t0", step: 0, result: String(repeating: "finding ", count: 2_000))
        try cluster.complete("t0", step: 1, result: "end", finish: .resultOfStep(1))
        try cluster.cancel("t1")
        try cluster.persistAll()
        cluster.pass(milliseconds: 11 * 60_000)
        try cluster.fireAllTimers()
        try cluster.submit("young")
        try cluster.leave(2)
        return cluster
    }

    @Test("a state comes back as it was, whatever the pieces", arguments: [1, 7, 1_000, .max])
    func roundTrip(pieces: Int) throws {
        let cluster = try richState()
        let restored = try read(Array(chunks(of: cluster.state).joined()), pieces: pieces)
        #expect(restored.hash == cluster.state.hash && restored.index == cluster.state.index)
        #expect(restored.term == cluster.state.term && restored.now == cluster.state.now)
        #expect(restored.canonicalDigest() == cluster.state.canonicalDigest())
        #expect(restored.nextTimer == cluster.state.nextTimer && restored.counts == cluster.state.counts)
        Invariants.check(restored, "restored")
    }

    @Test("the empty state has a snapshot too")
    func empty() throws {
        let state = ClusterState()
        #expect(try read(Array(chunks(of: state).joined())).canonicalDigest() == state.canonicalDigest())
    }

    @Test("two nodes write the same bytes")
    func deterministic() throws {
        let cluster = try richState()
        let bytes = Array(chunks(of: cluster.state).joined())
        #expect(Array(chunks(of: try read(bytes)).joined()) == bytes)
    }

    @Test("a restored state goes on as the original does")
    func goesOn() throws {
        var original = try richState()
        var restored = original
        restored.state = try read(Array(chunks(of: original.state).joined()))
        for number in 0..<20 {
            let one = try original.submit("n\(number)")
            let two = try restored.submit("n\(number)")
            #expect(one.hash == two.hash && one.outcome == two.outcome)
        }
    }

    @Test("a state of many megabytes comes in chunks of at most 256 KiB, and writing does not disturb applying")
    func chunked() throws {
        var cluster = try Cluster(nodes: 1)
        var random = Random(seed: 3)
        for number in 0..<8 {
            let noise = (0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            try cluster.submit("t\(number)") { $0.parameters = Payload(bytes: noise) }
        }
        let digest = cluster.state.canonicalDigest()
        var writer = SnapshotWriter(cluster.state)
        var reader = SnapshotReader()
        var count = 0
        while let chunk = writer.next() {
            #expect(chunk.count <= 256 << 10)
            try reader.append(chunk)
            count += 1
            try cluster.submit("later\(count)")
        }
        #expect(count > 6)
        #expect(try reader.finish().canonicalDigest() == digest)
    }

    @Test("one that ends early is refused, wherever it ends")
    func truncated() throws {
        let bytes = Array(chunks(of: try richState().state).joined())
        for length in stride(from: 0, to: bytes.count, by: 41) + [bytes.count - 1] {
            #expect(throws: SnapshotError.truncated) { try read(Array(bytes.prefix(length))) }
        }
    }

    @Test("one with a flipped bit is refused, wherever it is")
    func flipped() throws {
        let bytes = Array(chunks(of: try richState().state).joined())
        for place in stride(from: 0, to: bytes.count, by: 13) {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            #expect(throws: SnapshotError.self) { try read(damaged) }
        }
    }

    @Test("a chunk missing, twice, out of order, or after the end is refused")
    func misplaced() throws {
        var cluster = try richState()
        for number in 0..<400 { try cluster.submit("m\(number)") { $0.description_p = "\(number)" } }
        let good = chunks(of: cluster.state)
        #expect(good.count >= 3)
        let wrong: [[[UInt8]]] = [
            Array(good.dropFirst()), [good[0]] + good.dropFirst(2), [good[0], good[0]] + good.dropFirst(),
            [good[1], good[0]] + good.dropFirst(2), good + [good[0]], good + [[0]],
        ]
        for chunks in wrong {
            #expect(throws: SnapshotError.self) { try read(Array(chunks.joined())) }
        }
        let other = chunks(of: try richState().state)
        #expect(throws: SnapshotError.self) { try read(Array((other.prefix(1) + good.dropFirst()).joined())) }
    }

    @Test("sound chunks around rows that make no state are refused")
    func inconsistent() throws {
        for (state, table) in try richState().statesWithAFault {
            #expect(throws: SnapshotError.inconsistent(table: table)) {
                try read(Array(chunks(of: state).joined()))
            }
        }
    }

    @Test("noise is not a snapshot", arguments: Fuzz.seeds(1...20))
    func noise(seed: UInt64) {
        var random = Random(seed: seed)
        let bytes = (0..<random.below(2_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        #expect(throws: SnapshotError.self) { try read(bytes) }
    }
}
