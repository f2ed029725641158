import FoundationEssentials

/// The one form in which this room writes and reads JSON: sorted keys, plain slashes, UTF-8.
public enum AgentJSON {
    /// Encodes `value`. Equal values give equal bytes.
    /// - Throws: only what a value's own `encode` throws; the values of this room throw nothing but for a number that
    ///   is not finite, which none of them holds.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// Decodes a value from JSON bytes; throws `DecodingError`.
    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
