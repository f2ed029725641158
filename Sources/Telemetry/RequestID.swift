/// The id that a client gave its request, or that the node made: it is echoed, logged and traced, so only harmless
/// characters pass.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// Nil unless 1 to 128 characters of `A–Z a–z 0–9 . _ -`.
    public init?(_ text: String) {
        guard text.isPlainIdentifier else { return nil }
        rawValue = text
    }

    private init(valid text: String) {
        rawValue = text
    }

    /// 128 random bits as 32 hexadecimal digits.
    public static func random(using generator: inout some RandomNumberGenerator) -> RequestID {
        RequestID(valid: hexadecimal(generator.next()) + hexadecimal(generator.next()))
    }

    /// The client's id if it is acceptable, else a new one: a bad id is no reason to refuse a request.
    public static func accepting(_ header: String?, using generator: inout some RandomNumberGenerator) -> RequestID {
        header.flatMap(RequestID.init) ?? random(using: &generator)
    }

    public var description: String { rawValue }
}

extension String {
    /// Whether the text is a well-formed request id; ids of that form need neither escaping nor redaction in a log
    /// line.
    var isPlainIdentifier: Bool {
        (1...TelemetryLimits.requestIDCharacters).contains(utf8.count)
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
