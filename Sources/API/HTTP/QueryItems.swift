/// The part of a URL behind the question mark, decoded.
struct QueryItems: Sendable {
    private var items: [(name: String, value: String)] = []

    static let none = QueryItems()

    private init() {}

    init(parsing text: Substring, limit: Int) throws(Problem) {
        for part in text.split(separator: "&") {
            guard items.count < limit else { throw Problem(.badRequest, "a query may have \(limit) parts") }
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(pair[0], plusIsSpace: true),
                let value = PercentEncoding.decode(pair.count == 2 ? pair[1] : "", plusIsSpace: true)
            else { throw Problem(.badRequest, "the query is not percent-encoded UTF-8") }
            guard self[name] == nil else { throw .badRequest(name, "occurs twice") }
            guard !value.utf8.contains(0) else { throw .badRequest(name, "may not contain U+0000") }
            items.append((name, value))
        }
    }

    subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// A misspelled filter would silently select everything, so unknown names are refused.
    func requireNames(_ known: [String]) throws(Problem) {
        let unknown = items.filter { !known.contains($0.name) }
        let hint = known.isEmpty ? "this path takes no query" : "known are \(known.joined(separator: ", "))"
        guard unknown.isEmpty else {
            throw Problem(.badRequest, fields: unknown.map { FieldProblem($0.name, "unknown; \(hint)") })
        }
    }

    /// The query again with some values replaced (nil: removed), for links.
    func replacing(_ changes: [(name: String, value: String?)]) -> String {
        var pairs = items.filter { item in !changes.contains { $0.name == item.name } }
        for change in changes {
            if let value = change.value { pairs.append((change.name, value)) }
        }
        return pairs.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            .joined(separator: "&")
    }
}

enum PercentEncoding {
    /// Nil unless the text is well-formed and decodes to UTF-8.
    static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        let utf8 = text.utf8
        guard utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count)
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
