import FoundationEssentials
import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("Payloads beside the state")
struct PayloadTests {
    /// Does not compress, so that its encoded bytes are as many.
    static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = Random(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// A cluster of one node whose payloads are kept.
    private struct Kept {
        var cluster: Cluster
        let source = MemoryPayloads()

        init(version: UInt32 = ClusterState.supportedMachineVersion, settings: Settings = Settings()) throws {
            cluster = try Cluster(nodes: 1, settings: settings, version: version)
            cluster.state.payloadSource = source
        }

        @discardableResult
        mutating func submit(_ id: String, parameters: [UInt8]) throws -> Applied {
            let applied = try cluster.submit(id) { $0.parameters = Payload(bytes: parameters) }
            source.take(applied)
            return applied
        }

        mutating func finish(_ id: String, result: [UInt8]) throws -> Applied {
            try cluster.start(id, steps: [0])
            let epoch = try cluster.task(id).record.epoch
            let applied = try cluster.request(
                .stepCompleted(
                    .with {
                        $0.taskID = id
                        $0.epoch = epoch
                        $0.outcomeCode = .completed
                        $0.result = Payload(bytes: result)
                        $0.finish = .resultOfStep(0)
                    }))
            source.take(applied)
            return applied
        }

        /// The task leaves the state.
        mutating func evict(_ id: String) throws {
            try cluster.persistAll()
            cluster.pass(milliseconds: 11 * 60_000)
            try cluster.fireAllTimers()
            #expect(cluster.state.task(key(id)) == nil)
        }
    }

    @Test("up to 4 KiB lie in the row, one byte more beside it", arguments: [1, 4_096, 4_097, 200_000])
    func threshold(count: Int) throws {
        var kept = try Kept()
        let bytes = Self.noise(count)
        let applied = try kept.submit("a", parameters: bytes)
        let payload = try kept.cluster.task("a").spec.parameters
        let isBeside = count > 4_096
        #expect((payload.content.map { if case .reference = $0 { true } else { false } }) == isBeside)
        #expect(applied.payloads.map(\.bytes) == (isBeside ? [bytes] : []))
        #expect(kept.cluster.state.payloads.map(\.length) == (isBeside ? [UInt64(count)] : []))
        #expect(payload.length == UInt64(count) && payload.sha256 == Payload(bytes: bytes).sha256)
        #expect(try kept.cluster.state.content(of: payload) == bytes)
    }

    @Test("before the version that moves them all lie in the row", arguments: 1..<ClusterState.payloadsBesideSince)
    func gated(version: UInt32) throws {
        var kept = try Kept(version: version)
        let bytes = Self.noise(50_000)
        let applied = try kept.submit("a", parameters: bytes)
        #expect(applied.payloads.isEmpty && kept.cluster.state.payloads.isEmpty)
        #expect(try kept.cluster.task("a").spec.parameters.decoded() == bytes)
        // What was there before the version rose stays as it is, and goes as it came.
        try kept.cluster.join(1, version: ClusterState.supportedMachineVersion)
        try kept.cluster.propose(.setMachineVersion(.with { $0.version = ClusterState.supportedMachineVersion }))
        try kept.submit("b", parameters: bytes)
        #expect(kept.cluster.state.payloadCount == 1)
        _ = try kept.finish("a", result: Self.noise(5_000, seed: 2))
        #expect(kept.cluster.state.payloadCount == 2)
        try kept.evict("a")
        Invariants.check(kept.cluster.state, "after the eviction")
    }

    @Test("parameters of steps, predictions and results go the same way")
    func everywhere() throws {
        var kept = try Kept()
        let applied = try kept.cluster.submit("a") {
            $0.prediction = Payload(bytes: Self.noise(5_000, seed: 2))
            $0.steps = TaskSpec.steps(2)
            $0.steps[1].parameters = Payload(bytes: Self.noise(6_000, seed: 3))
        }
        kept.source.take(applied)
        #expect(applied.payloads.map(\.bytes.count) == [5_000, 6_000])
        let inlined = try kept.cluster.state.inlined(kept.cluster.task("a").spec)
        #expect(try inlined.steps[1].parameters.decoded() == Self.noise(6_000, seed: 3))
        #expect(try inlined.prediction.decoded() == Self.noise(5_000, seed: 2))
        #expect(inlined.payloadParts.isEmpty)
    }

    @Test("the result of a task comes back, from the state and from its event")
    func result() throws {
        var kept = try Kept()
        try kept.submit("a", parameters: [1])
        let bytes = Array(String(repeating: "finding ", count: 5_000).utf8) + Self.noise(9_000)
        let applied = try kept.finish("a", result: bytes)
        let state = kept.cluster.state
        #expect(try state.content(of: try #require(state.result(of: key("a")))) == bytes)
        let event = try #require(applied.events.last)
        #expect(event.kind == .taskCompleted && event.record.resultLength == UInt64(bytes.count))
        #expect(try state.content(of: try #require(event.result)) == bytes)
    }

    @Test("the same bytes are kept once, as long as any row names them, and brought again when they come back")
    func shared() throws {
        var kept = try Kept()
        let bytes = Self.noise(10_000)
        #expect(try kept.submit("a", parameters: bytes).payloads.count == 1)
        #expect(try kept.submit("b", parameters: bytes).payloads.isEmpty)
        _ = try kept.finish("a", result: [1])
        try kept.evict("a")
        #expect(kept.cluster.state.payloadCount == 1)
        _ = try kept.finish("b", result: [1])
        try kept.evict("b")
        #expect(kept.cluster.state.payloadCount == 0)
        #expect(try kept.submit("c", parameters: bytes).payloads.count == 1)
    }

    @Test("bytes beside the state count like those in it: for admission, for the outbox, for what is retained")
    func counted() throws {
        var (inline, beside) = (try Kept(version: 1), try Kept())
        for number in 0..<3 {
            let bytes = Self.noise(60_000, seed: UInt64(number))
            try inline.submit("t\(number)", parameters: bytes)
            try beside.submit("t\(number)", parameters: bytes)
        }
        func isClose(_ left: UInt64, _ right: UInt64) -> Bool { max(left, right) - min(left, right) < 600 }
        #expect(isClose(inline.cluster.state.pinnedBytes, beside.cluster.state.pinnedBytes))
        #expect(isClose(inline.cluster.state.outboxBytes, beside.cluster.state.outboxBytes))
        for number in 0..<3 {
            _ = try inline.finish("t\(number)", result: Self.noise(60_000, seed: 9))
            _ = try beside.finish("t\(number)", result: Self.noise(60_000, seed: 9))
        }
        try inline.cluster.persistAll()
        try beside.cluster.persistAll()
        #expect(isClose(inline.cluster.state.retainedBytes, beside.cluster.state.retainedBytes))
        Invariants.check(beside.cluster.state, "retained")
    }

    @Test("a snapshot names payloads and does not hold them; whoever reads it needs exactly these")
    func snapshot() throws {
        var kept = try Kept()
        for number in 0..<8 { try kept.submit("t\(number)", parameters: Self.noise(200_000, seed: UInt64(number))) }
        var writer = SnapshotWriter(kept.cluster.state)
        var reader = SnapshotReader()
        var bytes = 0
        while let chunk = writer.next() {
            bytes += chunk.count
            try reader.append(chunk)
        }
        var restored = try reader.finish()
        #expect(bytes < 20_000)
        #expect(restored.payloads.map(\.digest) == kept.cluster.state.payloads.map(\.digest))
        #expect(restored.canonicalDigest() == kept.cluster.state.canonicalDigest())
        Invariants.check(restored, "restored")
        let payload = try #require(restored.task(key("t3"))).spec.parameters
        #expect(throws: PayloadError.notInline) { try restored.content(of: payload) }
        restored.payloadSource = kept.source
        #expect(try restored.content(of: payload) == Self.noise(200_000, seed: 3))
    }

    @Test("the chain's hash covers the bytes by their digest")
    func hashed() throws {
        var (one, two) = (try Kept(), try Kept())
        #expect(one.cluster.state.hash == two.cluster.state.hash)
        try one.submit("a", parameters: Self.noise(9_000, seed: 1))
        try two.submit("a", parameters: Self.noise(9_000, seed: 2))
        #expect(one.cluster.state.hash != two.cluster.state.hash)
    }

    @Test("a command cannot name bytes that it does not bring")
    func references() throws {
        var kept = try Kept()
        try kept.submit("a", parameters: Self.noise(9_000))
        let named = try kept.cluster.task("a").spec.parameters
        let applied = try kept.cluster.submit("b") { $0.parameters = named }
        #expect(applied.outcome == .rejected(.invalid(field: "parameters")))
    }

    @Test("bytes that are not those of the digest are damage, and what no state names is gone")
    func damage() throws {
        var kept = try Kept()
        try kept.submit("a", parameters: Self.noise(9_000))
        let payload = try kept.cluster.task("a").spec.parameters
        let digest = try #require(kept.cluster.state.payloads.first?.digest)
        kept.source.bytes[digest]?[17] ^= 1
        #expect(throws: PayloadError.damaged) { try kept.cluster.state.content(of: payload) }
        kept.source.bytes[digest] = nil
        #expect(throws: PayloadError.gone) { try kept.cluster.state.content(of: payload) }
        #expect(throws: PayloadError.notResident) { try kept.cluster.state.content(of: payload, within: .memory) }
    }
}
