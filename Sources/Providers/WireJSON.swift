import FoundationEssentials

/// JSON as the dialects write and read it.
enum WireJSON {
    /// Keys sorted, so that equal requests have equal bytes: golden files and response caches rest on that.
    static func encode(_ value: some Encodable) throws(ProviderFailure) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw .invalidRequest("the request cannot be written as JSON")
        }
    }

    /// Blank lines before the value, which some providers send to keep a connection alive, are JSON white space.
    static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(ProviderFailure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw .retryable(.malformedResponse, "the answer is not in the dialect")
        }
    }
}
