import FoundationEssentials
import Testing

/// `Scenarios/Files`: what the real `Raft` says, word for word. One file a pitfall (`design/raft.md` §2) or figure.
@Suite("Scenario files")
struct ScenarioTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Files")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    static let rewrites = ProcessInfo.processInfo.environment["AMAS_REWRITE"] == "1"

    @Test("every expectation holds, and the output is what the file says", arguments: names)
    func scenario(name: String) throws {
        let url = Self.folder.appending(path: name)
        let text = try String(decoding: Data(contentsOf: url), as: UTF8.self)
        let (played, failures) = ScenarioFile(text).play()
        for failure in failures { Issue.record("\(name): \(failure)") }
        if Self.rewrites {
            try Data(played.text.utf8).write(to: url)
        } else if let line = Self.firstDifference(text, played.text) {
            Issue.record(
                "\(name): \(line)\nif the new output is right: AMAS_REWRITE=1 swift test --filter ScenarioTests")
        }
    }

    @Test("there is a file for each pitfall of the core and each figure")
    func complete() {
        let pitfalls = [1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 14, 15, 16, 17, 19, 20, 22, 24, 25]
        for number in pitfalls {
            let prefix = number < 10 ? "p0\(number)-" : "p\(number)-"
            #expect(Self.names.contains { $0.hasPrefix(prefix) }, "pitfall \(number)")
        }
        #expect(Self.names.filter { $0.hasPrefix("figure-") }.count >= 6)
    }

    private static func firstDifference(_ one: String, _ other: String) -> String? {
        let expected = one.split(separator: "\n", omittingEmptySubsequences: false)
        let actual = other.split(separator: "\n", omittingEmptySubsequences: false)
        for place in 0..<max(expected.count, actual.count) {
            let left = place < expected.count ? expected[place] : "(end)"
            let right = place < actual.count ? actual[place] : "(end)"
            if left != right { return "line \(place + 1)\n  file: \(left)\n  now:  \(right)" }
        }
        return nil
    }
}
