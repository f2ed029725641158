/// What a walk did not read, and why. Part of every report: a count that is not shown reads as "all clean".
struct Skipped: Sendable, Hashable {
    /// Folders passed by for their name, such as `.git` or `node_modules`.
    var folders = 0
    /// Symbolic links, which a walk never follows.
    var symbolicLinks = 0
    /// Sockets, devices, pipes.
    var special = 0
    /// Files with a zero byte near the beginning.
    var binary = 0
    /// Files above the size limit, and their bytes.
    var tooLarge = 0
    var tooLargeBytes = 0
    /// Files and folders that the operating system refused.
    var unreadable = 0
    /// Folders below the depth limit.
    var tooDeep = 0
    /// Files left out once the limit on files or bytes was reached, and their bytes.
    var beyondLimits = 0
    var beyondLimitsBytes = 0
    /// The limit on folder entries ended the walk: nobody knows what else is there.
    var entriesExhausted = false

    /// Sentences for the notes of a report.
    var notes: [String] {
        var parts: [String] = []
        func add(_ count: Int, _ one: String, _ many: String) {
            if count > 0 { parts.append("\(Grouped.count(count)) \(count == 1 ? one : many)") }
        }
        add(folders, "folder of tools or dependencies", "folders of tools or dependencies")
        add(binary, "binary file", "binary files")
        add(tooLarge, "file above the size limit", "files above the size limit")
        add(symbolicLinks, "symbolic link", "symbolic links")
        add(special, "special file", "special files")
        add(unreadable, "unreadable entry", "unreadable entries")
        add(tooDeep, "folder below the depth limit", "folders below the depth limit")
        add(beyondLimits, "file beyond the limit on files and bytes", "files beyond the limit on files and bytes")
        var notes = parts.isEmpty ? [] : ["Skipped: \(parts.joined(separator: ", "))."]
        if entriesExhausted { notes.append("The walk ended early at its limit on folder entries.") }
        return notes
    }
}

/// Numbers as people read them, the same in every locale.
enum Grouped {
    /// `1234567` as `1,234,567`.
    static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }

    /// One digit behind the point: `12.5`.
    static func tenths(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(count(Int(tenths.magnitude) / 10)).\(tenths.magnitude % 10)"
    }

    /// `1 file`, `2 files`.
    static func many(_ value: Int, _ one: String, _ more: String? = nil) -> String {
        "\(count(value)) \(value == 1 ? one : more ?? one + "s")"
    }
}
