import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("Canonical bytes")
struct CanonicalEncoderTests {
    func expectProtobuf<M: SwiftProtobuf.Message & Equatable>(_ message: M, _ context: String) throws {
        var encoder = CanonicalEncoder()
        encoder.append(message)
        let library: [UInt8] = try message.serializedBytes()
        #expect(encoder.bytes == library, "\(context): \(message)")
        #expect(try M(serializedBytes: encoder.bytes) == message, "\(context)")
    }

    @Test(
        "the canonical bytes are protobuf's, for every command and every record that comes about",
        arguments: Fuzz.seeds(1...2))
    func protobuf(seed: UInt64) throws {
        var generator = CommandGenerator(seed: seed)
        var state = ClusterState(limits: FuzzTests.tightLimits)
        for step in 0..<400 {
            let entry = generator.next(for: state)
            let context = "AMAS_FUZZ_SEED=\(seed) step \(step)"
            guard let envelope = try? Envelope(decoding: entry[...]),
                (try? state.apply(index: state.index.next, term: generator.term, entry: entry[...])) != nil
            else { continue }
            if let command = try? Command(decoding: envelope) { try expectProtobuf(command, context) }
            if step % 100 == 99 { try expectProtobuf(rowsOf: state, context) }
        }
    }

    @Test(
        "inner records of any length are prefixed as protobuf prefixes them",
        arguments: [0, 1, 126, 127, 128, 129, 300, 20_000])
    func lengths(count: Int) throws {
        let record = StepRecord.with {
            $0.result = Payload(bytes: [])
            $0.failure.message = String(repeating: "x", count: count)
            $0.usage.costMicroUsd = .max
        }
        try expectProtobuf(record, "\(count)")
    }

    private func expectProtobuf(rowsOf state: ClusterState, _ context: String) throws {
        let tables = state.tables
        for row in tables.cluster.rows { try expectProtobuf(row.value.record, "cluster, \(context)") }
        for row in tables.nodes.rows { try expectProtobuf(row.value.record, "node, \(context)") }
        for row in tables.sessions.rows { try expectProtobuf(row.value.record, "session, \(context)") }
        for row in tables.outcomes.rows { try expectProtobuf(row.value.record, "outcome, \(context)") }
        for row in tables.idempotency.rows { try expectProtobuf(row.value.record, "idempotency, \(context)") }
        for row in tables.specs.rows { try expectProtobuf(row.value.record, "spec, \(context)") }
        for row in tables.tasks.rows { try expectProtobuf(row.value.record, "task, \(context)") }
        for row in tables.steps.rows { try expectProtobuf(row.value.record, "step, \(context)") }
        for row in tables.results.rows { try expectProtobuf(row.value.record, "result, \(context)") }
        for row in tables.events.rows { try expectProtobuf(row.value.record, "event, \(context)") }
        for row in tables.totals.rows { try expectProtobuf(row.value.record, "totals, \(context)") }
        try expectProtobuf(state.snapshotHeader, "header, \(context)")
        #expect(tables.events.count > 5, "\(context)")
    }
}
