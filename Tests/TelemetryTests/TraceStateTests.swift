import Testing

@testable import Telemetry

@Suite("Trace state")
struct TraceStateTests {
    static let manyMembers = (1...33).map { "m\($0)=v\($0)" }
    static let everyValueCharacter = String(
        decoding: (0x20...0x7E).map { UInt8($0) }.filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") },
        as: UTF8.self)
    static let everyKeyCharacter = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"

    @Test(
        "valid lists are passed on, combined in their order",
        arguments: [
            (["foo=1,bar=2"], "foo=1,bar=2"),
            (["foo=1,bar=2", "qux=1,zip=2", "baz=3"], "foo=1,bar=2,qux=1,zip=2,baz=3"),
            (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (["\t foo=1 \t"], "foo=1"),
            (["foo=1", ""], "foo=1"),
            (["", "foo=1"], "foo=1"),
            (["foo=1,,bar=2,"], "foo=1,bar=2"),
            (["foo= leading spaces stay"], "foo= leading spaces stay"),
            (["foo=1,foo=2"], "foo=1"),
            (["foo=1", "bar=3,foo=2"], "foo=1,bar=3"),
            ([everyKeyCharacter + "=" + everyValueCharacter], everyKeyCharacter + "=" + everyValueCharacter),
            (["0tenant@a-z0-9_-*/=1"], "0tenant@a-z0-9_-*/=1"),
            (
                ["foo=1", String(repeating: "z", count: 256) + "=1"],
                "foo=1," + String(repeating: "z", count: 256) + "=1"
            ),
            (
                ["foo=1", String(repeating: "t", count: 241) + "@" + String(repeating: "v", count: 14) + "=1"],
                "foo=1," + String(repeating: "t", count: 241) + "@" + String(repeating: "v", count: 14) + "=1"
            ),
        ])
    func valid(headers: [String], expected: String) {
        #expect(TraceState(headers: headers)?.header == expected)
    }

    @Test("an empty list says nothing", arguments: [[], [""], [" , \t,"]])
    func empty(headers: [String]) {
        #expect(TraceState(headers: headers) == .empty)
        #expect(TraceState.empty.header == nil)
    }

    @Test(
        "one bad member drops the list",
        arguments: [
            "foo =1", "FOO=1", "foo.bar=1", "foo@=1,bar=2", "@foo=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2",
            "1foo=1", "t@1v=1", "foo=bar=baz", "foo=,bar=3", "foo", "=1", "foo=é", "foo=a\u{7F}", "foo=a\u{1}b",
            String(repeating: "z", count: 257) + "=1", String(repeating: "t", count: 242) + "@v=1",
            "t@" + String(repeating: "v", count: 15) + "=1", "foo=" + String(repeating: "v", count: 257),
        ])
    func invalid(member: String) {
        #expect(TraceState(headers: ["ok=1", member]) == nil)
        let context = TraceContext(
            traceparent: "00-12345678901234567890123456789012-1234567890123456-00", tracestate: ["ok=1", member])
        #expect(context != nil && context?.tracestate == nil, "the trace itself goes on")
    }

    @Test("32 members are passed on, 33 are dropped")
    func memberLimit() {
        #expect(TraceState(headers: Array(Self.manyMembers.prefix(32)))?.members.count == 32)
        #expect(TraceState(headers: [Self.manyMembers.prefix(32).joined(separator: ",")])?.members.count == 32)
        #expect(TraceState(headers: Self.manyMembers) == nil)
    }

    @Test("512 characters are passed on; past them long members go first, then the oldest")
    func lengthLimit() throws {
        let short = (10..<20).map { "k\($0)=" + String(repeating: "v", count: 46) }  // 50 characters each
        let exact = short.joined(separator: ",")  // 509
        #expect(TraceState(headers: [exact])?.header == exact)
        let full = exact + ",x="
        #expect(
            TraceState(headers: [full.dropLast(3) + ",x=1"].map(String.init))?.members.count == 10, "513 characters")
        let long = "long=" + String(repeating: "v", count: 124)
        let trimmed = try #require(TraceState(headers: [short[0], long, short.dropFirst().joined(separator: ",")]))
        #expect(trimmed.header == exact)
        #expect(try #require(trimmed.header).utf8.count <= TelemetryLimits.traceStateCharacters)
    }
}
