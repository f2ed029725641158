import Logging

extension LogRenderer {
    func appendJSON(_ record: LogRecord, to bytes: inout [UInt8]) {
        let lineStart = bytes.count
        bytes.append(contentsOf: #"{"timestamp":""#.utf8)
        bytes.append(contentsOf: record.time.rfc3339Bytes)
        bytes.append(contentsOf: #"","level":""#.utf8)
        bytes.append(contentsOf: record.level.rawValue.utf8)
        bytes.append(contentsOf: #"","logger":"#.utf8)
        bytes.appendJSONString(record.logger)
        bytes.append(contentsOf: sourceFields)
        bytes.append(contentsOf: #","message":"#.utf8)
        bytes.appendJSONString(message(record))
        var metadata = record.mergedMetadata
        for field in LogField.topLevel {
            guard let value = metadata.removeValue(forKey: field) else { continue }
            bytes.append(contentsOf: #","\#(field)":"#.utf8)
            if let number = value.jsonNumber {
                bytes.append(contentsOf: number.utf8)
            } else {
                bytes.appendJSONString(identifier(value))
            }
        }
        if let error = record.error {
            bytes.append(contentsOf: #","error":"#.utf8)
            bytes.appendJSONString(self.error(error))
        }
        if !metadata.isEmpty {
            bytes.append(contentsOf: #","metadata":"#.utf8)
            appendJSON(metadata, depth: 1, lineStart: lineStart, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    func appendJSON(_ value: Logger.MetadataValue, depth: Int, lineStart: Int, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text):
            bytes.appendJSONString(cleaned(text, limit: limits.logValueBytes))
        case .stringConvertible(let convertible):
            if let number = value.jsonNumber { return bytes.append(contentsOf: number.utf8) }
            bytes.appendJSONString(cleaned(convertible.description, limit: limits.logValueBytes))
        case .dictionary(let metadata):
            appendJSON(metadata, depth: depth + 1, lineStart: lineStart, to: &bytes)
        case .array(let values):
            appendJSON(values, depth: depth + 1, lineStart: lineStart, to: &bytes)
        }
    }

    /// Keys in the order of their bytes; what does not fit any more is counted under the key `…`.
    private func appendJSON(_ metadata: Logger.Metadata, depth: Int, lineStart: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        var written = 0
        for (key, value) in metadata.sorted(by: { $0.key.precedesInBytes($1.key) }) {
            if !fits(written, depth: depth, lineBytes: bytes.count - lineStart) { break }
            if written > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendJSONString(cleaned(key, limit: limits.logKeyBytes))
            bytes.append(UInt8(ascii: ":"))
            appendJSON(value, depth: depth, lineStart: lineStart, to: &bytes)
            written += 1
        }
        if written < metadata.count {
            bytes.append(contentsOf: #"\#(written > 0 ? "," : "")"…":"\#(metadata.count - written) cut""#.utf8)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private func appendJSON(_ values: [Logger.MetadataValue], depth: Int, lineStart: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        var written = 0
        for value in values {
            if !fits(written, depth: depth, lineBytes: bytes.count - lineStart) { break }
            if written > 0 { bytes.append(UInt8(ascii: ",")) }
            appendJSON(value, depth: depth, lineStart: lineStart, to: &bytes)
            written += 1
        }
        if written < values.count {
            bytes.append(contentsOf: #"\#(written > 0 ? "," : "")"… \#(values.count - written) cut""#.utf8)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Whether one more value may be begun.
    func fits(_ written: Int, depth: Int, lineBytes: Int) -> Bool {
        written < limits.logMetadataEntries && depth <= limits.logMetadataDepth && lineBytes < limits.logLineBytes
    }
}

extension Logger.MetadataValue {
    /// A number, or a truth value, as JSON has it; nil for everything else, and for what is a number in a string.
    fileprivate var jsonNumber: String? {
        guard case .stringConvertible(let value) = self else { return nil }
        switch value {
        case let integer as any BinaryInteger: return "\(integer)"
        case let number as Double: return number.isFinite ? "\(number)" : nil
        case let isSo as Bool: return isSo ? "true" : "false"
        default: return nil
        }
    }
}
