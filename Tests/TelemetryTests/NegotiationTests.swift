import Testing

@testable import Telemetry

@Suite("Content negotiation")
struct NegotiationTests {
    @Test(
        "the format that the scraper prefers is served",
        arguments: [
            (nil, ExpositionFormat.prometheusText),
            ("", .prometheusText),
            ("*/*", .prometheusText),
            ("text/html", .prometheusText),
            ("text/plain", .prometheusText),
            ("text/plain;version=0.0.4", .prometheusText),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
            ("APPLICATION/OpenMetrics-Text;Version=\"1.0.0\"", .openMetrics),
            ("application/openmetrics-text;version=2.0.0", .prometheusText),
            ("application/openmetrics-text;version=0.0.1", .prometheusText),
            // What Prometheus 2.42 and 3 send.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                    + "application/openmetrics-text;version=0.0.1;q=0.5,"
                    + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
            ),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.1", .prometheusText),
            ("application/openmetrics-text;q=0", .prometheusText),
            ("application/openmetrics-text;q=2, text/plain;q=0.1", .prometheusText),
            ("application/openmetrics-text;q=nan", .prometheusText),
            (";;;,,,=;q", .prometheusText),
        ])
    func preferred(accept: String?, expected: ExpositionFormat) {
        #expect(ExpositionFormat.negotiate(accept: accept) == expected)
    }

    @Test("only so many media ranges are considered")
    func limit() {
        let noise = Array(repeating: "text/html", count: TelemetryLimits.acceptRanges - 1)
        let wanted = ["application/openmetrics-text"]
        #expect(ExpositionFormat.negotiate(accept: (noise + wanted).joined(separator: ",")) == .openMetrics)
        let tooMany = noise + ["text/html"] + wanted
        #expect(ExpositionFormat.negotiate(accept: tooMany.joined(separator: ",")) == .prometheusText)
    }
}
