/// Writes JSON: the same calls always give the same bytes.
///
/// The caller keeps the grammar (a name before each member, and so on); the writer puts the commas.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init(capacity: Int = 512) {
        bytes.reserveCapacity(capacity)
    }

    // MARK: Containers

    mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    mutating func array(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    mutating func array<Element>(of elements: some Sequence<Element>, _ each: (inout JSONWriter, Element) -> Void) {
        open(UInt8(ascii: "["))
        for element in elements { each(&self, element) }
        close(UInt8(ascii: "]"))
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    // MARK: Names

    mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func name(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values

    mutating func null() { literal("null") }
    mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    mutating func integer(_ value: some BinaryInteger & Sendable) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    /// The shortest digits that read back as the same number; null for what JSON has no number for.
    mutating func number(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        bytes.append(contentsOf: (Int64(exactly: value)?.description ?? value.description).utf8)
    }

    /// `value` divided by ten to the power of `digits`, exactly and without superfluous zeros.
    mutating func decimal(_ value: UInt64, digits: Int) {
        separate()
        var scale: UInt64 = 1
        for _ in 0..<digits { scale *= 10 }
        bytes.append(contentsOf: String(value / scale).utf8)
        var rest = value % scale
        guard rest > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        while rest > 0 {
            scale /= 10
            bytes.append(UInt8(ascii: "0") + UInt8(rest / scale))
            rest %= scale
        }
    }

    mutating func string(_ text: String) {
        separate()
        quote(text)
    }

    /// Bytes that are one JSON value already.
    mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    private mutating func literal(_ word: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            for position in 0..<utf8.count {
                let byte = utf8[position]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else {
                    continue
                }
                bytes.append(contentsOf: utf8[start..<position])
                escape(byte)
                start = position + 1
            }
            bytes.append(contentsOf: utf8[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 15)])
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

extension JSONWriter {
    mutating func field(_ name: StaticString, _ value: String) {
        self.name(name)
        string(value)
    }

    mutating func field(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { string(value) } else { null() }
    }

    mutating func field(_ name: StaticString, _ value: some BinaryInteger & Sendable) {
        self.name(name)
        integer(value)
    }

    mutating func field(_ name: StaticString, _ value: (some BinaryInteger & Sendable)?) {
        self.name(name)
        if let value { integer(value) } else { null() }
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    mutating func field(_ name: StaticString, decimal value: UInt64?, digits: Int) {
        self.name(name)
        if let value { decimal(value, digits: digits) } else { null() }
    }

    mutating func field(_ name: StaticString, raw json: [UInt8]?) {
        self.name(name)
        if let json, !json.isEmpty { raw(json) } else { null() }
    }

    mutating func field(_ name: StaticString, object body: (inout JSONWriter) -> Void) {
        self.name(name)
        object(body)
    }

    mutating func field(_ name: StaticString, array body: (inout JSONWriter) -> Void) {
        self.name(name)
        array(body)
    }

    mutating func field(_ name: StaticString, strings: some Sequence<String>) {
        self.name(name)
        array(of: strings) { $0.string($1) }
    }

    /// One value on its own.
    static func document(capacity: Int = 512, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: capacity)
        body(&writer)
        return writer.bytes
    }
}
