/// Every bound of this room. The defaults suit a node that logs hundreds of lines and updates millions of metrics a
/// second.
public struct TelemetryLimits: Sendable, Equatable {
    /// Label combinations of one family. Past it, updates go to the series whose labels are all `other`.
    public var seriesPerFamily = 512
    /// UTF-8 bytes of one label value; longer values are cut.
    public var labelValueBytes = 128
    /// Families of one registry. Declaring more is a programming error and traps.
    public var families = 512
    /// Label names of one family.
    public static let labelsPerFamily = 10

    /// Events waiting for the log thread. As many again may be in the batch it is writing.
    public var logQueueEvents = 8192
    /// Estimated bytes of the events waiting for the log thread.
    public var logQueueBytes = 8 << 20
    /// Bytes of a rendered chunk after which it is handed to the sink.
    public var logChunkBytes = 64 << 10
    /// UTF-8 bytes of a message that are kept.
    public var logMessageBytes = 8 << 10
    /// UTF-8 bytes of one metadata value that are kept.
    public var logValueBytes = 2 << 10
    /// UTF-8 bytes of a string that the redactor sees; the rest is cut before.
    public var logRedactionBytes = 64 << 10
    /// What is left out at the end of a string that was cut for the redactor: the longest secret that the cut may have
    /// split, and the redactor therefore not recognised.
    public var logRedactionMarginBytes = 8 << 10
    /// UTF-8 bytes of a metadata key that are kept.
    public var logKeyBytes = 128
    /// Entries of one metadata dictionary or array that are kept.
    public var logMetadataEntries = 64
    /// Levels of nested metadata that are kept.
    public var logMetadataDepth = 4
    /// Rendered bytes of a line after which no further metadata value is begun.
    public var logLineBytes = 32 << 10
    /// How long `flush()` and `shutdown()` wait for the sink.
    public var logFlushTimeout: Duration = .seconds(2)

    /// Characters of a request id.
    public static let requestIDCharacters = 128
    /// Members of a `tracestate`; a longer list is dropped whole, as the W3C recommendation asks.
    public static let traceStateMembers = 32
    /// Characters of the `tracestate` that is sent on. Members over `traceStateLongMemberCharacters` go first, then the
    /// oldest.
    public static let traceStateCharacters = 512
    public static let traceStateLongMemberCharacters = 128
    /// Media ranges of an `Accept` header that are considered.
    public static let acceptRanges = 32

    public init() {}
}
