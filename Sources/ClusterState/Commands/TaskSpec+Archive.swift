import SwiftProtobuf

extension TaskSpec {
    /// The spec as it is kept where tasks go that leave the state.
    public var archived: [UInt8] {
        var encoder = CanonicalEncoder()
        encoder.append(self)
        return encoder.bytes
    }

    /// Nil for bytes that this build cannot read without loss.
    public init?(archived bytes: [UInt8]) {
        guard let spec = try? TaskSpec(serializedBytes: bytes), !UnknownFields.exist(in: spec) else { return nil }
        self = spec
    }
}
