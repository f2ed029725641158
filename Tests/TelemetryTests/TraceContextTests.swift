import Testing

@testable import Telemetry

@Suite("Trace context")
struct TraceContextTests {
    static let trace = "12345678901234567890123456789012"
    static let span = "1234567890123456"

    @Test(
        "a well-formed traceparent continues the caller's trace",
        arguments: [
            ("00-\(trace)-\(span)-00", 0),
            ("00-\(trace)-\(span)-01", 1),
            ("00-\(trace)-\(span)-02", 2),
            ("00-\(trace)-\(span)-03", 3),
            ("00-\(trace)-\(span)-ff", 3),
            ("\t 00-\(trace)-\(span)-01 \t", 1),
            ("01-\(trace)-\(span)-01", 1),
            ("cc-\(trace)-\(span)-01", 1),
            ("cc-\(trace)-\(span)-01-more-of-a-later-version", 1),
            ("fe-\(trace)-\(span)-03-", 1),
        ] as [(String, UInt8)])
    func valid(header: String, flags: UInt8) throws {
        let context = try #require(TraceContext(traceparent: header))
        #expect(context.traceID.description == Self.trace)
        #expect(context.spanID.description == Self.span)
        #expect(context.flags.rawValue == flags)
        #expect(context.traceparent.hasPrefix("00-"))
    }

    @Test(
        "a malformed traceparent restarts the trace",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-001",
            "00-\(trace)-\(span)-01.", "00-\(trace)-\(span)-01-more-of-a-later-version",
            "cc-\(trace)-\(span)-01.more-of-a-later-version", "cc-\(trace)-\(span)-0",
            "ff-\(trace)-\(span)-01", ".0-\(trace)-\(span)-01", "0.-\(trace)-\(span)-01", "0-\(trace)-\(span)-01",
            "000-\(trace)-\(span)-01", "0000-\(trace)-\(span)-01", "+0-\(trace)-\(span)-01",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00-.2345678901234567890123456789012-\(span)-01", "00-1234567890123456789012345678901.-\(span)-01",
            "00-\(trace)3-\(span)-01", "00-1234567890123456789012345678901-\(span)-01",
            "00-\(trace)-.234567890123456-01", "00-\(trace)-123456789012345.-01", "00-\(trace)-\(span)7-01",
            "00-\(trace)-123456789012345-01", "00-\(trace)-\(span)-.0", "00-\(trace)-\(span)-0.",
            "00-1234567890123456789012345678901A-\(span)-01", "00-\(trace)-123456789012345A-01",
            "00-\(trace)-\(span)-0A", "00_\(trace)_\(span)_01", "00-\(trace)-\(span)-0é",
        ])
    func invalid(header: String) {
        #expect(TraceContext(traceparent: header, tracestate: ["foo=1"]) == nil)
        var generator = SeededGenerator(seed: 1)
        let continued = TraceContext.continuing(traceparent: [header], tracestate: ["foo=1"], using: &generator)
        #expect(continued.traceID.description != Self.trace)
        #expect(continued.tracestate == nil, "a tracestate without a valid traceparent is dropped")
    }

    @Test("two traceparent headers are as bad as none")
    func duplicated() {
        var generator = SeededGenerator(seed: 2)
        let header = "00-\(Self.trace)-\(Self.span)-01"
        let continued = TraceContext.continuing(traceparent: [header, header], tracestate: [], using: &generator)
        #expect(continued.traceID.description != Self.trace)
        #expect(TraceContext.continuing(traceparent: [], tracestate: [], using: &generator).flags.contains(.sampled))
    }

    @Test("a child keeps trace, flags and state and has its own span")
    func child() throws {
        var generator = SeededGenerator(seed: 3)
        let parent = try #require(
            TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-02", tracestate: ["a=1,b=2"]))
        let children = (0..<3).map { _ in parent.child(using: &generator) }
        #expect(Set(children.map(\.spanID)).count == 3)
        for child in children {
            #expect(child.traceID == parent.traceID)
            #expect(child.spanID != parent.spanID)
            #expect(child.flags == .random)
            #expect(child.tracestate == "a=1,b=2")
        }
    }

    @Test("what is written is read back, whatever the ids")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let context = TraceContext.root(sampled: Bool.random(using: &generator), using: &generator)
            #expect(TraceContext(traceparent: context.traceparent) == context, "seed \(seed)")
            #expect(context.traceparent.utf8.count == 55, "seed \(seed)")
            let numbers = TraceContext(
                traceIDHigh: context.traceID.high, traceIDLow: context.traceID.low, spanID: context.spanID.rawValue,
                flags: context.flags.rawValue)
            #expect(numbers == context, "seed \(seed)")
        }
        let small = try #require(TraceContext(traceIDHigh: 0, traceIDLow: 1, spanID: 2, flags: 1))
        #expect(small.traceparent == "00-00000000000000000000000000000001-0000000000000002-01")
        #expect(TraceContext(traceIDHigh: 0, traceIDLow: 0, spanID: 2, flags: 1) == nil)
        #expect(TraceContext(traceIDHigh: 0, traceIDLow: 1, spanID: 0, flags: 1) == nil)
    }

    @Test("ids are never zero, even from a source that gives zeros")
    func zeros() {
        struct ZerosFirst: RandomNumberGenerator {
            var calls = 0
            mutating func next() -> UInt64 {
                calls += 1
                return calls <= 4 ? 0 : 7
            }
        }
        var generator = ZerosFirst()
        #expect(TraceContext.root(sampled: false, using: &generator).traceID == TraceID(high: 7, low: 7))
        var another = ZerosFirst()
        #expect(SpanID.random(using: &another).rawValue == 7)
    }
}
