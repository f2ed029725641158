/// The text formats in which a scrape can be answered.
public enum ExpositionFormat: Sendable, CaseIterable {
    /// Prometheus text 0.0.4.
    case prometheusText
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// The `Content-Type` of the answer; Prometheus 3 refuses one without.
    public var contentType: String {
        switch self {
        case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format that the `Accept` header prefers. With no header, one that cannot be read, or one that names neither,
    /// it is Prometheus text, which every scraper reads.
    public static func negotiate(accept: String?) -> ExpositionFormat {
        guard let accept else { return .prometheusText }
        var best: (format: ExpositionFormat, weight: Double)?
        for range in accept.split(separator: ",").prefix(TelemetryLimits.acceptRanges) {
            guard let (format, weight) = offer(range), weight > 0, weight > (best?.weight ?? 0) else { continue }
            best = (format, weight)
        }
        return best?.format ?? .prometheusText
    }

    /// What one media range asks for and how much; nil if it is nothing we have.
    private static func offer(_ range: Substring) -> (ExpositionFormat, Double)? {
        let parts = range.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map(trimmed)
            guard pair.count == 2 else { continue }
            parameters[pair[0].lowercased()] = pair[1].filter { $0 != "\"" }
        }
        let weight = parameters["q"].map { Double($0) ?? 0 } ?? 1
        guard (0...1).contains(weight) else { return nil }
        switch (parts.first?.lowercased(), parameters["version"]) {
        case ("application/openmetrics-text", nil), ("application/openmetrics-text", "1.0.0"):
            return (.openMetrics, weight)
        case ("text/plain", nil), ("text/plain", "0.0.4"), ("text/*", _), ("*/*", _):
            return (.prometheusText, weight)
        default:
            return nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return String(rest)
    }
}
