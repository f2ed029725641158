/// The sources that a run looks at: files of the workspace, or one file made from `parameters.code`.
struct SourceTree: Sendable {
    /// How a report names it: the target as written, or the file name.
    var name: String
    /// In the order of their paths' bytes within each folder.
    var files: [SourceFile]
    var skipped: Skipped
    /// Nil for code that came with the task.
    var path: WorkspacePath?

    /// Bytes read, and bytes that should have been read.
    var coverage: Coverage {
        let examined = files.reduce(0) { $0 + $1.bytes.count }
        return Coverage(examined: examined, seen: examined + skipped.tooLargeBytes + skipped.beyondLimitsBytes)
    }
}
