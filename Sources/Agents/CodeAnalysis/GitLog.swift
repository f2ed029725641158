import Glibc

/// The history of a work tree, read through the git command with everything in the repository's own configuration that
/// could start another program turned off.
struct GitLog {
    struct Change: Hashable {
        var commits = 0
        var added = 0
        var deleted = 0
        /// Seconds since 1970 of the newest commit.
        var newest: Int64 = 0
    }

    /// By path relative to the top of the work tree.
    var changes: [String: Change] = [:]
    var commits = 0
    /// The output was cut at its limit: older commits are missing.
    var isCut = false

    private static let programs = ["/usr/bin/git", "/usr/local/bin/git", "/bin/git"]

    static var program: String? { programs.first { access($0, X_OK) == 0 } }

    /// The top of the work tree that holds a path, looked for no higher than the workspace root.
    ///
    /// Only a real `.git` folder counts: a file or link there names a place elsewhere.
    static func workTree(of path: WorkspacePath) -> String? {
        var folder = path.real
        while true {
            var status = stat()
            if lstat(folder + "/.git", &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR ? folder : nil }
            guard folder != path.root, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else {
                return nil
            }
            folder = String(folder[..<slash])
        }
    }

    /// Blocks. `path` is relative to `top`; `.` is all of it.
    static func read(
        top: String, path: String, program: String, limits: Limits, interrupt: Interrupt
    ) throws(AgentError) -> GitLog {
        func git(_ command: [String]) throws(AgentError) -> ChildProcess.Output {
            try ChildProcess.run(
                program, arguments(top: top) + command, environment: environment, timeLimit: limits.gitTime,
                outputLimit: limits.gitOutputBytes, interrupt: interrupt)
        }
        let output = try git([
            "log", "--no-merges", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color",
            "--max-count=\(limits.gitCommits)", "--numstat", "--format=%x00%ct", "HEAD", "--", path,
        ])
        var log = GitLog()
        if let status = output.status, status != 0 {
            // A branch without a commit is no fault.
            if try git(["rev-parse", "--verify", "--quiet", "HEAD"]).status == 1 { return log }
            throw .childProcess(program: "git", reason: "ended with status \(status)")
        }
        log.isCut = output.status == nil
        log.parse(output.bytes)
        return log
    }

    private static let environment = [
        "PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
        "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_ATTR_NOSYSTEM=1",
    ]

    private static func arguments(top: String) -> [String] {
        // `safe.directory` for this one tree: whoever owns it, its configuration can start nothing here.
        let settings = [
            "safe.directory=\(top)", "core.fsmonitor=false", "core.hooksPath=/dev/null", "core.quotePath=false",
            "core.attributesFile=/dev/null", "core.pager=cat", "log.showSignature=false",
            "log.mailmap=false", "protocol.allow=never", "diff.renames=false",
            "diff.ignoreSubmodules=all", "core.commitGraph=true",
        ]
        return settings.flatMap { ["-c", $0] } + [
            "--no-pager", "--git-dir=\(top)/.git", "--work-tree=\(top)", "--literal-pathspecs", "-C", top,
        ]
    }

    private mutating func parse(_ bytes: [UInt8]) {
        var time: Int64 = 0
        for line in bytes.split(separator: Ascii.newline) {
            if line.first == 0 {
                commits += 1
                time = Int64(String(decoding: line.dropFirst(), as: UTF8.self)) ?? 0
                continue
            }
            // added, deleted, path; "-" for binary files. A quoted path has characters that no report needs.
            let parts = line.split(separator: 9, maxSplits: 2)
            guard parts.count == 3, parts[2].first != Ascii.quote,
                let added = Int(String(decoding: parts[0], as: UTF8.self)),
                let deleted = Int(String(decoding: parts[1], as: UTF8.self))
            else { continue }
            var change = changes[String(decoding: parts[2], as: UTF8.self)] ?? Change()
            change.commits += 1
            change.added += added
            change.deleted += deleted
            change.newest = max(change.newest, time)
            changes[String(decoding: parts[2], as: UTF8.self)] = change
        }
    }
}

/// A day in UTC, as people write it.
enum Day {
    /// `2024-02-29` from seconds since 1970.
    static func text(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "–" }
        func padded(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    }
}
