/// Collects header lines as libcurl hands them over into the head of the final response. Interim answers (1xx) are
/// dropped, and so are trailers after the body.
struct HeadParser {
    enum Outcome: Equatable {
        case more
        case complete(ResponseHead)
        case tooLarge
        case malformed
    }

    private let limitBytes: Int
    private var bytes = 0
    private var head: ResponseHead?
    private(set) var isComplete = false

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// One line with its line end.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Outcome {
        guard !isComplete else { return .more }
        bytes += line.count
        guard bytes <= limitBytes else { return .tooLarge }
        let text = String(decoding: line, as: UTF8.self).trimming(while: \.isWhitespace)
        if text.hasPrefix("HTTP/") {
            guard let parsed = HeadParser.parse(statusLine: text) else { return .malformed }
            head = parsed
            return .more
        }
        guard head != nil else { return .malformed }
        guard text.isEmpty else { return add(text) }
        return endOfHead()
    }

    private mutating func endOfHead() -> Outcome {
        guard let complete = head else { return .malformed }
        head = nil
        guard complete.status >= 200 else { return .more }
        isComplete = true
        return .complete(complete)
    }

    private mutating func add(_ field: String) -> Outcome {
        guard let colon = field.firstIndex(of: ":"), colon != field.startIndex else { return .malformed }
        let value = String(field[field.index(after: colon)...]).trimming(while: \.isWhitespace)
        head?.headers.append(HTTPHeader(String(field[..<colon]), value))
        return .more
    }

    private static func parse(statusLine: String) -> ResponseHead? {
        let parts = statusLine.dropFirst("HTTP/".count).split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, let version = HTTPVersion(rawValue: String(parts[0])), let status = Int(parts[1]),
            (100...999).contains(status)
        else { return nil }
        return ResponseHead(version: version, status: status, headers: [])
    }
}

extension String {
    fileprivate func trimming(while isTrimmed: (Character) -> Bool) -> String {
        guard let start = firstIndex(where: { !isTrimmed($0) }), let last = lastIndex(where: { !isTrimmed($0) }) else {
            return ""
        }
        return String(self[start...last])
    }
}
