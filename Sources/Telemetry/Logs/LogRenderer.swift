import Logging

/// Turns a record into one line. A value: the same record gives the same bytes.
struct LogRenderer: Sendable {
    /// The node's name in text lines.
    let instance: String
    /// Of JSON lines, the same on each.
    let sourceFields: [UInt8]
    let format: LogFormat
    let limits: TelemetryLimits
    let redact: @Sendable (String) -> String

    init(
        source: LogSource, format: LogFormat, limits: TelemetryLimits, redact: @escaping @Sendable (String) -> String
    ) {
        instance = source.instance
        sourceFields = source.jsonFields
        self.format = format
        self.limits = limits
        self.redact = redact
    }

    /// Appends the line with its end.
    func append(_ record: LogRecord, to bytes: inout [UInt8]) {
        switch format {
        case .json: appendJSON(record, to: &bytes)
        case .text: appendText(record, to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The text without what must not be seen, and not longer than `limit` bytes, with the number of bytes that were
    /// cut.
    ///
    /// It is redacted before it is cut: the cut could leave part of a secret that is no longer recognised as one. What
    /// the redactor gets is bounded all the same, and then the end of what it gives is left out, because a secret may
    /// have been split there.
    func cleaned(_ text: String, limit: Int) -> String {
        let redacted = redact(text.cut(toBytes: limits.logRedactionBytes))
        let bounded = text.utf8.count > limits.logRedactionBytes
        let trusted = bounded ? max(0, redacted.utf8.count - limits.logRedactionMarginBytes) : redacted.utf8.count
        let kept = redacted.cut(toBytes: min(limit, trusted))
        if kept.utf8.count == redacted.utf8.count && !bounded { return kept }
        let missing = max(text.utf8.count, redacted.utf8.count) - kept.utf8.count
        return "\(kept)…[\(missing) bytes cut]"
    }

    /// A top-level id. Well-formed ones are left alone: a redactor may take their digits for a card number, and an id
    /// that differs from line to line is useless.
    func identifier(_ value: Logger.MetadataValue) -> String {
        let text = "\(value)"
        return text.isPlainIdentifier ? text : cleaned(text, limit: limits.logValueBytes)
    }

    func message(_ record: LogRecord) -> String {
        cleaned(record.message, limit: limits.logMessageBytes)
    }

    func error(_ error: any Error) -> String {
        cleaned("\(error)", limit: limits.logValueBytes)
    }
}
