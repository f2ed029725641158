import Testing

@testable import Telemetry

@Suite("Request id")
struct RequestIDTests {
    @Test("harmless ids are accepted", arguments: ["a", "A-b_c.9", String(repeating: "x", count: 128)])
    func accepted(text: String) {
        var generator = SeededGenerator(seed: 1)
        #expect(RequestID(text)?.rawValue == text)
        #expect(RequestID.accepting(text, using: &generator).rawValue == text)
    }

    @Test(
        "anything else is replaced, not refused",
        arguments: [nil, "", " ", "a b", "a\n", "a\u{0}", "ä", "a/b", "a\"", String(repeating: "x", count: 129)])
    func replaced(text: String?) {
        var generator = SeededGenerator(seed: 1)
        #expect(text.flatMap { RequestID($0) } == nil)
        let made = RequestID.accepting(text, using: &generator)
        #expect(RequestID(made.rawValue) == made)
        #expect(made.rawValue.utf8.count == 32)
    }

    @Test("made ids differ")
    func distinct() {
        var generator = SeededGenerator(seed: 4)
        #expect(Set((0..<1000).map { _ in RequestID.random(using: &generator) }).count == 1000)
    }
}
