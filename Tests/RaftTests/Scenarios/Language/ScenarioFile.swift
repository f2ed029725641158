import FoundationEssentials

/// A text of paragraphs: comments that begin with `#`, commands that are followed by `----` and what came of them, and
/// expectations, which say what must be so whatever the output is.
///
/// Outputs are written anew with `AMAS_REWRITE=1`; a reviewer reads the difference as prose. Expectations are never rewritten,
/// so that a wrong output cannot pass for a right one.
struct ScenarioFile {
    enum Paragraph: Equatable {
        case comment([String])
        case expectations([String])
        case commands([String], output: [String])
    }

    var paragraphs: [Paragraph]

    init(_ text: String) {
        let blocks = text.split(separator: "\n", omittingEmptySubsequences: false).split { $0.isEmpty }
        paragraphs = blocks.map { block in
            let lines = block.map { String($0) }
            if lines[0].hasPrefix("#") { return .comment(lines) }
            if lines[0].hasPrefix("expect ") { return .expectations(lines) }
            let end = lines.firstIndex(of: "----") ?? lines.count
            return .commands(Array(lines[..<end]), output: Array(lines[min(end + 1, lines.count)...]))
        }
    }

    var text: String {
        paragraphs.map { paragraph in
            switch paragraph {
            case .comment(let lines), .expectations(let lines): lines.joined(separator: "\n")
            case .commands(let lines, let output): (lines + ["----"] + output).joined(separator: "\n")
            }
        }.joined(separator: "\n\n") + "\n"
    }

    /// Plays every paragraph. Returns the file with what really came out, and every expectation that does not hold.
    func play() -> (file: ScenarioFile, failures: [String]) {
        var played = self
        var failures: [String] = []
        var cluster = ScenarioCluster()
        for place in paragraphs.indices {
            switch paragraphs[place] {
            case .comment: continue
            case .expectations(let lines):
                for line in lines {
                    if let reason = cluster.expectationFailure(line) { failures.append("\(line): \(reason)") }
                }
            case .commands(let lines, _):
                cluster.output = []
                for line in lines {
                    do throws(ScenarioError) {
                        try cluster.perform(line)
                    } catch {
                        failures.append("\(line): \(error.reason)")
                    }
                }
                if cluster.output.isEmpty { cluster.output = ["nothing"] }
                cluster.story += cluster.output
                played.paragraphs[place] = .commands(lines, output: cluster.output)
            }
        }
        if !paragraphs.contains(where: { if case .expectations = $0 { true } else { false } }) {
            failures.append("a scenario without expectations shows nothing")
        }
        return (played, failures)
    }
}

/// A command that makes no sense where it stands.
struct ScenarioError: Error {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
