/// A JSON value as it was read, with its place in the text.
struct JSONNode: Sendable {
    enum Value: Sendable {
        case null
        case bool(Bool)
        /// A number without fraction and exponent that fits.
        case integer(Int64)
        case number(Double)
        case string(String)
        case array([JSONNode])
        /// In the order of the text; the reader refuses names that occur twice.
        case object([JSONMember])
    }

    var value: Value
    /// The bytes of the text that hold the value, without white space around it.
    var range: Range<Int>

    /// What a client calls the type of this value.
    var typeName: String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    subscript(name: String) -> JSONNode? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.name == name }?.value
    }

    var stringValue: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }
}

struct JSONMember: Sendable {
    var name: String
    var value: JSONNode
}

/// Why a text is not JSON that this room takes.
struct JSONError: Error, Equatable, Sendable {
    enum Reason: Equatable, Sendable {
        case empty
        case unexpectedEnd
        case unexpectedByte
        case invalidNumber
        case numberOutOfRange
        /// A control character that is not escaped.
        case controlCharacter
        case invalidEscape
        /// Half of a surrogate pair.
        case loneSurrogate
        /// U+0000: PostgreSQL cannot hold it.
        case nulCharacter
        case invalidUTF8
        case duplicateName(String)
        case trailingText
        case tooDeep(limit: Int)
        case stringTooLong(limitBytes: Int)
        case tooManyValues(limit: Int)
    }

    var reason: Reason
    /// Bytes from the beginning of the text.
    var offset: Int

    var explanation: String {
        switch reason {
        case .empty: "the text is empty"
        case .unexpectedEnd: "the text ends too early"
        case .unexpectedByte: "unexpected character at byte \(offset)"
        case .invalidNumber: "malformed number at byte \(offset)"
        case .numberOutOfRange: "number out of range at byte \(offset)"
        case .controlCharacter: "control character in a string at byte \(offset); it must be escaped"
        case .invalidEscape: "unknown escape at byte \(offset)"
        case .loneSurrogate: "half of a surrogate pair at byte \(offset)"
        case .nulCharacter: "U+0000 at byte \(offset); strings must not contain it"
        case .invalidUTF8: "invalid UTF-8 at byte \(offset)"
        case .duplicateName(let name): "the name \"\(name)\" occurs twice in one object, at byte \(offset)"
        case .trailingText: "text after the end of the value at byte \(offset)"
        case .tooDeep(let limit): "nested deeper than \(limit) levels at byte \(offset)"
        case .stringTooLong(let limit): "the string at byte \(offset) is longer than \(limit) bytes"
        case .tooManyValues(let limit): "more than \(limit) values"
        }
    }
}
