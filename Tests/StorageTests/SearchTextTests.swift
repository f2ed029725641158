import Testing

@testable import Storage

@Suite("Search text")
struct SearchTextTests {
    @Test(
        "words are runs of letters, marks and digits in lower case",
        arguments: [
            ("Scan the API", ["scan", "the", "api"]), ("code_analysis", ["code", "analysis"]), ("a a A", ["a"]),
            ("日本 x", ["日", "本", "x"]), ("it's ~50%", ["it", "s", "50"]), ("", []), ("'\\:*&|!()<>", []),
            ("Ünder e\u{301}t", ["ünder", "e\u{301}t"]),
        ])
    func words(text: String, words: [String]) {
        #expect(SearchText.words(of: [text]).map { Array($0.utf8) } == words.map { Array($0.utf8) })
    }

    @Test("each word must begin a word")
    func matches() throws {
        let search = try #require(SearchText("sec sca"))
        #expect(search.matches(["Security", "a scan"]))
        #expect(!search.matches(["Security", "escape"]))
        #expect(!search.matches(["Secur"]))
        #expect(try #require(SearchText("?!")).matches([]))
    }

    @Test("a search has at most 32 words, and of a word 128 bytes count")
    func limits() throws {
        let many = (0..<32).map { "w\($0)" }.joined(separator: " ")
        #expect(SearchText(many) != nil)
        #expect(SearchText(many + " more") == nil)
        let long = String(repeating: "a", count: 128)
        #expect(try #require(SearchText(long + "b")).words == [long])
        #expect(try #require(SearchText(long + "b")).matches([long + "c"]))
    }
}
