import Logging

/// An event as the calling thread captured it. It is rendered later, on the log thread, so that a caller pays neither
/// for escaping nor for the redactor.
struct LogRecord: Sendable {
    var time: WallTime
    var level: Logger.Level
    var logger: String
    var message: String
    var error: (any Error)?
    /// From the least to the most specific: the logger's own, the provider's, the event's. A later one wins.
    var metadata: [Logger.Metadata] = []

    /// What the record holds in memory, roughly. Values that are only described later are taken as small.
    var estimatedBytes: Int {
        256 + message.utf8.count + metadata.reduce(0) { $0 + Self.estimatedBytes(of: $1) }
    }

    private static func estimatedBytes(of metadata: Logger.Metadata) -> Int {
        metadata.reduce(0) { $0 + 32 + $1.key.utf8.count + estimatedBytes(of: $1.value) }
    }

    private static func estimatedBytes(of value: Logger.MetadataValue) -> Int {
        switch value {
        case .string(let text): text.utf8.count
        case .stringConvertible: 64
        case .array(let values): values.reduce(0) { $0 + 16 + estimatedBytes(of: $1) }
        case .dictionary(let metadata): estimatedBytes(of: metadata)
        }
    }

    var mergedMetadata: Logger.Metadata {
        metadata.reduce(into: [:]) { merged, next in merged.merge(next) { $1 } }
    }
}
