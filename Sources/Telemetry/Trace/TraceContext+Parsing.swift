extension TraceContext {
    /// Reads `traceparent: VERSION-TRACEID-SPANID-FLAGS`, lower-case hexadecimal of 2, 32, 16 and 2 digits.
    ///
    /// Nil where the recommendation has the trace restarted: any malformed field, an id of zeros, version `ff`, or
    /// anything after the flags in version `00`. A later version may have more behind a further dash; it is read as far
    /// as it is known, and only its sampled flag is, because the meaning of the others may have changed.
    public init?(traceparent: String, tracestate: [String] = []) {
        let text = Array(Substring(traceparent).utf8.trimmingOptionalWhitespace)
        let dash = UInt8(ascii: "-")
        guard text.count >= Self.traceparentLength, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = text[0..<2].lowerCaseHexadecimal, version != 0xff,
            let high = text[3..<19].lowerCaseHexadecimal, let low = text[19..<35].lowerCaseHexadecimal,
            let span = text[36..<52].lowerCaseHexadecimal, let flags = text[53..<55].lowerCaseHexadecimal,
            let traceID = TraceID(high: high, low: low), let spanID = SpanID(rawValue: span)
        else { return nil }
        if text.count > Self.traceparentLength, version == 0 || text[Self.traceparentLength] != dash { return nil }
        let received = TraceFlags(rawValue: UInt8(flags))
        self.init(
            traceID: traceID, spanID: spanID, flags: version == 0 ? received : received.intersection(.sampled),
            state: TraceState(headers: tracestate) ?? .empty)
    }

    /// Characters of a version 00 header.
    private static let traceparentLength = 55
}
