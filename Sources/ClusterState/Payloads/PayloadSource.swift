import FoundationEssentials

/// Where a node keeps the payloads that its state only names.
public protocol PayloadSource: AnyObject, Sendable {
    /// The bytes of a part if they are in memory. Never blocks.
    func resident(_ digest: StateHash) -> [UInt8]?
    /// The bytes of a part. Blocks on the disk.
    ///
    /// - Throws: `gone`, `unreadable`.
    func read(_ digest: StateHash) throws(PayloadError) -> [UInt8]
    /// Runs `body` where it may wait for a disk.
    func perform(_ body: @escaping @Sendable () -> Void)
}

/// How far a reader goes for the bytes of a payload.
public enum PayloadReach: Sendable {
    /// For threads that must not wait for a disk.
    case memory
    case disk
}

/// Bytes that an entry has brought and the state only names.
public struct BroughtPayload: Sendable {
    /// SHA-256 of the bytes.
    public let digest: StateHash
    public let bytes: [UInt8]
}

/// That the state names bytes.
public struct PayloadUse: Equatable, Sendable {
    public let length: UInt64
    /// Rows that name them.
    var count: UInt64
}

extension ClusterState {
    /// The bytes of a payload of this state, as they were given.
    ///
    /// - Parameter reach: with `disk`, blocks on it: see `reading`.
    /// - Throws: `gone` if a later state no longer names them, `notResident`, `unreadable`, `damaged`.
    public func content(of payload: Payload, within reach: PayloadReach = .disk) throws(PayloadError) -> [UInt8] {
        let bytes = try inlined(payload, within: reach).decoded()
        if case .reference = payload.content, SHA256.hash(bytes).bytes != [UInt8](payload.sha256) { throw .damaged }
        return bytes
    }

    /// The payload with its bytes in it, as a command brings it.
    public func inlined(_ payload: Payload, within reach: PayloadReach = .disk) throws(PayloadError) -> Payload {
        guard case .reference(let reference) = payload.content else { return payload }
        guard let payloadSource else { throw .notInline }
        var bytes = Data()
        for part in reference.parts {
            guard let digest = part.digest else { preconditionFailure("records in the state name digests") }
            switch reach {
            case .disk: bytes.append(contentsOf: try payloadSource.read(digest))
            case .memory:
                guard let resident = payloadSource.resident(digest) else { throw .notResident }
                bytes.append(contentsOf: resident)
            }
        }
        guard UInt64(bytes.count) == reference.storedLength else { throw .damaged }
        var whole = payload
        whole.inline = bytes
        return whole
    }

    /// The spec with the bytes of all its payloads in it, as a command brings it. Blocks on the disk.
    public func inlined(_ spec: TaskSpec) throws(PayloadError) -> TaskSpec {
        guard !spec.payloadParts.isEmpty else { return spec }
        var spec = spec
        if spec.hasParameters { spec.parameters = try inlined(spec.parameters) }
        if spec.hasPrediction { spec.prediction = try inlined(spec.prediction) }
        for place in spec.steps.indices where spec.steps[place].hasParameters {
            spec.steps[place].parameters = try inlined(spec.steps[place].parameters)
        }
        return spec
    }

    /// Runs `body`, which reads payloads, where nobody else has to wait for the disk.
    public func reading<Value: Sendable>(_ body: @escaping @Sendable (ClusterState) -> Value) async -> Value {
        guard let payloadSource, !indexes.payloads.isEmpty else { return body(self) }
        return await withCheckedContinuation { continuation in
            payloadSource.perform { continuation.resume(returning: body(self)) }
        }
    }

    /// Every part that lies beside the state, with its length, in the order of the digests: what a snapshot needs.
    public var payloads: [(digest: StateHash, length: UInt64)] {
        indexes.payloads.map { ($0.key, $0.value.length) }
    }

    public var payloadCount: Int { indexes.payloads.count }
}
