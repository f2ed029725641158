/// 128 bits that name a trace; never zero.
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// 32 lower-case hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 32, let high = digits[..<16].lowerCaseHexadecimal,
            let low = digits[16...].lowerCaseHexadecimal
        else { return nil }
        self.init(high: high, low: low)
    }

    public static func random(using generator: inout some RandomNumberGenerator) -> TraceID {
        while true {
            if let id = TraceID(high: generator.next(), low: generator.next()) { return id }
        }
    }

    public var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// 64 bits that name one operation of a trace (the recommendation's parent id); never zero.
public struct SpanID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init?(rawValue: UInt64) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// 16 lower-case hexadecimal digits; nil for anything else.
    public init?(_ text: String) {
        let digits = text.utf8
        guard digits.count == 16, let value = digits.lowerCaseHexadecimal else { return nil }
        self.init(rawValue: value)
    }

    public static func random(using generator: inout some RandomNumberGenerator) -> SpanID {
        while true {
            if let id = SpanID(rawValue: generator.next()) { return id }
        }
    }

    public var description: String { hexadecimal(rawValue) }
}

/// The two flags that the recommendation defines.
public struct TraceFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The caller may have recorded the trace.
    public static let sampled = TraceFlags(rawValue: 0x01)
    /// The trace id's right 56 bits are random. Passed on unchanged.
    public static let random = TraceFlags(rawValue: 0x02)
    /// What this version may send; other bits are reserved and must be zero.
    static let known: TraceFlags = [.sampled, .random]
}
