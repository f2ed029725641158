/// What a JSON text from a client may be.
struct JSONLimits: Sendable {
    /// Arrays and objects within each other.
    var depth = 64
    /// One string or name, decoded.
    var stringBytes = 64 << 10
    /// Values of all kinds: a small text must not grow into a large tree.
    var values = 65_536
}
