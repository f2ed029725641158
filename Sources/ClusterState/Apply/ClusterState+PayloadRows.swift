import FoundationEssentials
import Raft
import SwiftProtobuf

/// Rows that name payloads. What they name lies beside the state if it is large (since 4); the rows, and so the chain's hash,
/// the snapshot and every count of bytes, have the reference.
extension ClusterState {
    /// The machine version from which on large payloads lie beside the state.
    public static let payloadsBesideSince: UInt32 = 4

    // MARK: Keeping

    /// What the state keeps of a payload that a command has brought: the bytes if they are few, else where they are.
    mutating func keep(_ payload: Payload) -> Payload {
        guard machineVersion >= Self.payloadsBesideSince, case .inline(let data) = payload.content,
            data.count > limits.inlinePayloadBytes
        else { return payload }
        var kept = payload
        kept.reference = .with {
            $0.storedLength = UInt64(data.count)
            $0.parts = [bring(data)]
        }
        return kept
    }

    /// Hands bytes to whoever keeps the state.
    mutating func bring(_ data: Data) -> PayloadPart {
        let bytes = [UInt8](data)
        let digest = SHA256.hash(bytes)
        // What a row names already is there.
        if indexes.payloads[digest] == nil { entry.payloads.append(BroughtPayload(digest: digest, bytes: bytes)) }
        return .with {
            $0.sha256 = Data(digest.bytes)
            $0.length = UInt64(bytes.count)
        }
    }

    mutating func keepPayloads(of spec: TaskSpec) -> TaskSpec {
        guard machineVersion >= Self.payloadsBesideSince else { return spec }
        var spec = spec
        if spec.hasParameters { spec.parameters = keep(spec.parameters) }
        if spec.hasPrediction { spec.prediction = keep(spec.prediction) }
        for place in spec.steps.indices where spec.steps[place].hasParameters {
            spec.steps[place].parameters = keep(spec.steps[place].parameters)
        }
        return spec
    }

    // MARK: Rows

    mutating func putSpec(_ spec: TaskSpec, at key: TaskKey, of record: inout TaskRecord) {
        let old = tables.specs.rows[key]
        let byteCount = tables.specs.put(spec, at: key, &entry.changes)
        account(for: spec, byteCount, insteadOf: old, &record)
    }

    mutating func putStep(_ step: StepRecord, at key: StepKey, of record: inout TaskRecord) {
        let old = tables.steps.rows[key]
        let byteCount = tables.steps.put(step, at: key, &entry.changes)
        account(for: step, byteCount, insteadOf: old, &record)
    }

    mutating func putResult(_ result: ResultRecord, at key: TaskKey, of record: inout TaskRecord) {
        let old = tables.results.rows[key]
        let byteCount = tables.results.put(result, at: key, &entry.changes)
        account(for: result, byteCount, insteadOf: old, &record)
    }

    // Each returns the bytes that the row and what it names have taken.

    @discardableResult
    mutating func removeSpec(_ key: TaskKey) -> UInt64 { forget(tables.specs.remove(key, &entry.changes)) }
    @discardableResult
    mutating func removeStep(_ key: StepKey) -> UInt64 { forget(tables.steps.remove(key, &entry.changes)) }
    @discardableResult
    mutating func removeResult(_ key: TaskKey) -> UInt64 { forget(tables.results.remove(key, &entry.changes)) }

    private mutating func account<Record: PayloadBearing>(
        for new: Record, _ byteCount: Int, insteadOf old: Row<Record>?, _ record: inout TaskRecord
    ) {
        let before = old?.footprint ?? 0
        precondition(record.storedBytes >= before, "stored bytes are the sum of the task's rows")
        let parts = new.payloadParts
        record.storedBytes = record.storedBytes - before + parts.reduce(UInt64(byteCount)) { $0 + $1.length }
        indexes.payloadsChanged(from: old?.record.payloadParts ?? [], to: parts)
    }

    @discardableResult
    private mutating func forget<Record: PayloadBearing>(_ row: Row<Record>?) -> UInt64 {
        guard let row else { return 0 }
        indexes.payloadsChanged(from: row.record.payloadParts, to: [])
        return row.footprint
    }
}

/// A record that names payloads.
protocol PayloadBearing {
    /// The parts that lie beside the state, in the order of the fields.
    var payloadParts: [PayloadPart] { get }
}

extension TaskSpec: PayloadBearing {
    var payloadParts: [PayloadPart] {
        var parts = parameters.parts + prediction.parts
        for step in steps where step.hasParameters { parts += step.parameters.parts }
        return parts
    }
}

extension StepRecord: PayloadBearing {
    var payloadParts: [PayloadPart] { hasResult ? result.parts : [] }
}

extension ResultRecord: PayloadBearing {
    var payloadParts: [PayloadPart] {
        if case .payload(let payload) = source { payload.parts } else { [] }
    }
}

extension Payload {
    /// None if the bytes are here, or there are none.
    var parts: [PayloadPart] {
        if case .reference(let reference) = content { reference.parts } else { [] }
    }
}

extension PayloadPart {
    /// Nil if it cannot be that of a part.
    var digest: StateHash? { length > 0 ? StateHash(bytes: sha256) : nil }
}

extension Row where Record: PayloadBearing {
    /// Bytes of the record and of what it names.
    var footprint: UInt64 { record.payloadParts.reduce(UInt64(byteCount)) { $0 + $1.length } }
}
