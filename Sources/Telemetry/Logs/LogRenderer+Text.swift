import Logging

extension LogRenderer {
    /// `2026-01-02T03:04:05.678Z INFO    raft node-1: message request_id=abc key="two words"`.
    func appendText(_ record: LogRecord, to bytes: inout [UInt8]) {
        let lineStart = bytes.count
        bytes.append(contentsOf: record.time.rfc3339Bytes)
        bytes.append(UInt8(ascii: " "))
        let level = record.level.rawValue.uppercased()
        bytes.append(contentsOf: level.utf8)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(1, 9 - level.utf8.count)))
        bytes.appendEscaped(record.logger, quotes: false)
        bytes.append(UInt8(ascii: " "))
        bytes.appendEscaped(instance, quotes: false)
        bytes.append(contentsOf: ": ".utf8)
        bytes.appendEscaped(message(record), quotes: false)
        var metadata = record.mergedMetadata
        for field in LogField.topLevel {
            guard let value = metadata.removeValue(forKey: field) else { continue }
            appendText(field, identifier(value), to: &bytes)
        }
        if let error = record.error { appendText("error", self.error(error), to: &bytes) }
        var written = 0
        for (key, value) in metadata.sorted(by: { $0.key.precedesInBytes($1.key) }) {
            if !fits(written, depth: 1, lineBytes: bytes.count - lineStart) { break }
            appendText(key, value, lineStart: lineStart, to: &bytes)
            written += 1
        }
        if written < metadata.count { appendText("…", "\(metadata.count - written) cut", to: &bytes) }
    }

    private func appendText(
        _ key: String, _ value: Logger.MetadataValue, lineStart: Int, to bytes: inout [UInt8]
    ) {
        switch value {
        case .string(let text):
            appendText(key, cleaned(text, limit: limits.logValueBytes), to: &bytes)
        case .stringConvertible(let value):
            appendText(key, cleaned(value.description, limit: limits.logValueBytes), to: &bytes)
        case .dictionary, .array:
            appendKey(key, to: &bytes)
            appendJSON(value, depth: 1, lineStart: lineStart, to: &bytes)
        }
    }

    /// A value is quoted unless it is a plain word, so that no value can pass for a further `key=value`.
    private func appendText(_ key: String, _ value: String, to bytes: inout [UInt8]) {
        appendKey(key, to: &bytes)
        if value.isPlainIdentifier {
            bytes.append(contentsOf: value.utf8)
        } else {
            bytes.appendJSONString(value)
        }
    }

    private func appendKey(_ key: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: " "))
        if key.isPlainIdentifier {
            bytes.append(contentsOf: key.utf8)
        } else {
            bytes.appendJSONString(cleaned(key, limit: limits.logKeyBytes))
        }
        bytes.append(UInt8(ascii: "="))
    }
}
