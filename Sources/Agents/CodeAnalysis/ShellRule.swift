/// Dangerous lines in shell scripts, where words and not calls tell.
enum ShellRule {
    private static let piped = Rule(
        id: "dangerous.shell.piped-download", severity: .high, certainty: .likely, title: "Download run unseen",
        description: "Whoever answers for that address runs code here.",
        remediation: "Download to a file, check its hash, then run it.", cwe: "CWE-494")
    private static let eval = Rule(
        id: "dangerous.shell.eval", severity: .high, certainty: .likely, title: "Evaluated text",
        description: "Whoever has a part in the variables can run commands.",
        remediation: "Use arrays and quote their expansion.", cwe: "CWE-78")
    private static let worldWritable = Rule(
        id: "dangerous.shell.world-writable", severity: .medium, certainty: .likely,
        title: "Written to by everyone", description: "Every user of the machine may change it.",
        remediation: "Give the owner or a group the rights that are needed.", cwe: "CWE-732")

    static func matches(in view: CodeView) -> [(rule: Rule, offset: Int)] {
        guard view.file.language == .shell else { return [] }
        var found: [(rule: Rule, offset: Int)] = []
        var position = 0
        while position < view.count {
            // One command line: from here to the next line's first token.
            var end = position + 1
            while end < view.count, !view.newlineBefore(end) { end += 1 }
            if let rule = rule(for: view, line: position..<end) { found.append((rule, view.tokens[position].start)) }
            position = end
        }
        return found
    }

    private static func rule(for view: CodeView, line: Range<Int>) -> Rule? {
        let words = line.prefix(200).map { view.text($0) }
        if words.first == "eval", words.contains(where: { $0.contains("$") }) { return eval }
        if let download = words.firstIndex(where: { $0 == "curl" || $0 == "wget" }),
            let pipe = words[download...].firstIndex(of: "|")
        {
            let runner = words[(pipe + 1)...].first { $0 != "sudo" && $0 != "-" }
            if let runner, ["sh", "bash", "zsh", "python", "python3", "perl"].contains(runner) { return piped }
        }
        if words.first == "chmod" || words.first == "sudo", words.contains("chmod"),
            words.contains(where: { $0 == "777" || $0 == "0777" || $0 == "666" })
        {
            return worldWritable
        }
        return nil
    }
}
