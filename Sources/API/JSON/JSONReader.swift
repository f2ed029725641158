/// Reads one JSON text (RFC 8259) into a tree, without mercy for what the grammar does not allow, and within limits.
///
/// Every read of a byte is guarded by `position < end`; the unsafe buffer saves the second check.
struct JSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private var position = 0
    private var depth = 0
    private var values = 0

    private init(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    static func read(_ text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONNode {
        let result: Result<JSONNode, JSONError> = text.withUnsafeBufferPointer { bytes in
            var reader = JSONReader(bytes, limits)
            do throws(JSONError) {
                return .success(try reader.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func failure(_ reason: JSONError.Reason, at offset: Int? = nil) -> JSONError {
        JSONError(reason: reason, offset: offset ?? position)
    }

    private mutating func document() throws(JSONError) -> JSONNode {
        skipWhiteSpace()
        guard position < bytes.count else { throw failure(.empty) }
        let node = try value()
        skipWhiteSpace()
        guard position == bytes.count else { throw failure(.trailingText) }
        return node
    }

    private mutating func skipWhiteSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) -> JSONNode {
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        values += 1
        guard values <= limits.values else { throw failure(.tooManyValues(limit: limits.values)) }
        let start = position
        let value: JSONNode.Value
        switch bytes[position] {
        case UInt8(ascii: "{"): value = try object()
        case UInt8(ascii: "["): value = try array()
        case UInt8(ascii: "\""): value = .string(try string())
        case UInt8(ascii: "t"): value = try word("true", .bool(true))
        case UInt8(ascii: "f"): value = try word("false", .bool(false))
        case UInt8(ascii: "n"): value = try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): value = try number()
        default: throw failure(.unexpectedByte)
        }
        return JSONNode(value: value, range: start..<position)
    }

    private mutating func word(_ word: StaticString, _ value: JSONNode.Value) throws(JSONError) -> JSONNode.Value {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[position] == word.utf8Start[offset] else { throw failure(.unexpectedByte) }
            position += 1
        }
        return value
    }

    // MARK: Containers

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
        position += 1
        skipWhiteSpace()
    }

    /// After a member: true at a comma, false at the end of the container.
    private mutating func hasNext(closing: UInt8) throws(JSONError) -> Bool {
        skipWhiteSpace()
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: ","):
            position += 1
            skipWhiteSpace()
            return true
        case closing:
            position += 1
            depth -= 1
            return false
        default:
            throw failure(.unexpectedByte)
        }
    }

    private mutating func isEmptyContainer(closing: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == closing else { return false }
        position += 1
        depth -= 1
        return true
    }

    private mutating func array() throws(JSONError) -> JSONNode.Value {
        try enter()
        if isEmptyContainer(closing: UInt8(ascii: "]")) { return .array([]) }
        var elements: [JSONNode] = []
        repeat { elements.append(try value()) } while try hasNext(closing: UInt8(ascii: "]"))
        return .array(elements)
    }

    private mutating func object() throws(JSONError) -> JSONNode.Value {
        try enter()
        if isEmptyContainer(closing: UInt8(ascii: "}")) { return .object([]) }
        var members: [JSONMember] = []
        var names: Set<String> = []
        repeat {
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[position] == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
            let start = position
            let name = try string()
            guard isNew(name, among: members, &names) else { throw failure(.duplicateName(name), at: start) }
            skipWhiteSpace()
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[position] == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
            position += 1
            skipWhiteSpace()
            members.append(JSONMember(name: name, value: try value()))
        } while try hasNext(closing: UInt8(ascii: "}"))
        return .object(members)
    }

    /// Looks through the few members of an ordinary object, and keeps a set for a large one.
    private func isNew(_ name: String, among members: [JSONMember], _ names: inout Set<String>) -> Bool {
        if members.count < 12 { return !members.contains { $0.name == name } }
        if names.isEmpty { names = Set(members.lazy.map(\.name)) }
        return names.insert(name).inserted
    }
}

// MARK: Numbers

extension JSONReader {
    private mutating func number() throws(JSONError) -> JSONNode.Value {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: "0"): position += 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): skipDigits()
        default: throw failure(.invalidNumber)
        }
        var isInteger = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try requireDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try requireDigits()
        }
        // "01" is not a number, and neither is "1x" a number followed by something.
        if position < bytes.count, bytes[position].isNumberByte { throw failure(.invalidNumber, at: start) }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure(.numberOutOfRange, at: start) }
        return .number(value)
    }

    private mutating func skipDigits() {
        while position < bytes.count, bytes[position].isDigit { position += 1 }
    }

    private mutating func requireDigits() throws(JSONError) {
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        guard bytes[position].isDigit else { throw failure(.invalidNumber) }
        skipDigits()
    }
}

// MARK: Strings

extension JSONReader {
    /// At an opening quote; ends after the closing one.
    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        let content = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try validated(UnsafeBufferPointer(rebasing: bytes[content..<position]), start)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(start) }
            guard byte >= 0x20 else { throw failure(.controlCharacter) }
            position += 1
        }
        throw failure(.unexpectedEnd)
    }

    private func validated(_ content: some Collection<UInt8>, _ start: Int) throws(JSONError) -> String {
        guard content.count <= limits.stringBytes else {
            throw failure(.stringTooLong(limitBytes: limits.stringBytes), at: start)
        }
        guard let text = String(validating: content, as: UTF8.self) else { throw failure(.invalidUTF8, at: start) }
        return text
    }

    /// Begins anew at the opening quote of a string that has an escape.
    private mutating func escapedString(_ start: Int) throws(JSONError) -> String {
        var content = Array(bytes[(start + 1)..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                let text = try validated(content, start)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &content)
            case 0..<0x20:
                throw failure(.controlCharacter)
            default:
                content.append(byte)
                position += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        position += 1
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        let plain: UInt8
        switch bytes[position] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = bytes[position]
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"): return try unicodeEscape(into: &content)
        default: throw failure(.invalidEscape)
        }
        content.append(plain)
        position += 1
    }

    private mutating func unicodeEscape(into content: inout [UInt8]) throws(JSONError) {
        let start = position - 1
        let first = try hexadecimalUnit()
        var code = UInt32(first)
        if 0xD800..<0xDC00 ~= first {
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw failure(.loneSurrogate, at: start) }
            position += 1
            let second = try hexadecimalUnit()
            guard 0xDC00..<0xE000 ~= second else { throw failure(.loneSurrogate, at: start) }
            code = 0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00)
        }
        guard code != 0 else { throw failure(.nulCharacter, at: start) }
        guard let scalar = Unicode.Scalar(code) else { throw failure(.loneSurrogate, at: start) }
        content.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    }

    /// At the `u`; ends after the four digits.
    private mutating func hexadecimalUnit() throws(JSONError) -> UInt16 {
        position += 1
        guard position + 4 <= bytes.count else { throw failure(.unexpectedEnd, at: bytes.count) }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = bytes[position].hexadecimalValue else { throw failure(.invalidEscape) }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}

extension UInt8 {
    var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }

    fileprivate var isNumberByte: Bool {
        isDigit || self == UInt8(ascii: ".") || self == UInt8(ascii: "-") || self == UInt8(ascii: "+")
            || self | 0x20 == UInt8(ascii: "e")
    }

    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
