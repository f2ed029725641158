import Glibc

/// Reads a file or a folder of the workspace into a `SourceTree`. Blocks: runs on a tool thread.
///
/// Everything below the target is opened relative to its folder's descriptor and never through a symbolic link, so
/// that nobody who changes the tree meanwhile can lead the walk out of the workspace.
struct SourceReader {
    private let workspace: Workspace
    private let limits: Limits
    private let interrupt: Interrupt
    private var files: [SourceFile] = []
    private var skipped = Skipped()
    private var bytesRead = 0
    private var entriesSeen = 0

    /// Folders that hold what others wrote or what tools made.
    static let ignoredFolders: Set<String> = [
        ".git", ".hg", ".svn", ".amas", "node_modules", "vendor", "Pods", "DerivedData", "__pycache__", ".venv", "venv",
        ".tox", ".gradle", ".idea", ".mypy_cache", ".pytest_cache", ".terraform",
    ]

    static func ignores(folder name: String) -> Bool {
        ignoredFolders.contains(name) || name.hasPrefix(".build")
    }

    private init(workspace: Workspace, limits: Limits, interrupt: Interrupt) {
        self.workspace = workspace
        self.limits = limits
        self.interrupt = interrupt
    }

    /// - Throws: what `Workspace.resolve` throws, `unreadable`, `cancelled`, `deadlineExceeded`.
    static func read(
        _ target: String, in workspace: Workspace, limits: Limits, interrupt: Interrupt
    ) throws(AgentError) -> SourceTree {
        let path = try workspace.resolve(target)
        var reader = SourceReader(workspace: workspace, limits: limits, interrupt: interrupt)
        let descriptor = open(path.real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: target, reason: SystemError.last) }
        let opened = OwnedDescriptor(descriptor)
        // A folder on the way may have become a link since the path was resolved.
        guard let real = opened.realPath, workspace.root(of: real) != nil else {
            throw .outsideWorkspace(path: target)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: target, reason: SystemError.last) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try reader.readFolder(opened, path: path.shown == "." ? "" : path.shown, depth: 0)
        case S_IFREG: reader.readFile(opened, path: path.shown, size: Int(status.st_size))
        default: throw .unreadable(path: target, reason: "neither a file nor a folder")
        }
        return SourceTree(name: path.shown, files: reader.files, skipped: reader.skipped, path: path)
    }

    private mutating func readFolder(
        _ folder: borrowing OwnedDescriptor, path: String, depth: Int
    ) throws(AgentError) {
        guard let listing = FolderListing(of: folder, limit: limits.entries - entriesSeen) else {
            skipped.unreadable += 1
            return
        }
        entriesSeen += listing.entries.count
        if listing.isCut { skipped.entriesExhausted = true }
        for entry in listing.entries {
            try interrupt.check()
            let name = entry.shown
            let entryPath = path.isEmpty ? name : "\(path)/\(name)"
            switch entry.kind {
            case .symbolicLink: skipped.symbolicLinks += 1
            case .special: skipped.special += 1
            case .folder:
                if Self.ignores(folder: name) {
                    skipped.folders += 1
                } else if depth >= limits.depth {
                    skipped.tooDeep += 1
                } else {
                    try openAndReadFolder(entry, in: folder, path: entryPath, depth: depth + 1)
                }
            case .file: openAndReadFile(entry, in: folder, path: entryPath)
            }
        }
    }

    private mutating func openAndReadFolder(
        _ entry: FolderListing.Entry, in folder: borrowing OwnedDescriptor, path: String, depth: Int
    ) throws(AgentError) {
        let descriptor = openat(folder.number, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            skipped.unreadable += 1
            return
        }
        try readFolder(OwnedDescriptor(descriptor), path: path, depth: depth)
    }

    private mutating func openAndReadFile(
        _ entry: FolderListing.Entry, in folder: borrowing OwnedDescriptor, path: String
    ) {
        let descriptor = openat(folder.number, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            skipped.unreadable += 1
            return
        }
        let file = OwnedDescriptor(descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            skipped.special += 1
            return
        }
        readFile(file, path: path, size: Int(status.st_size))
    }

    private mutating func readFile(_ file: borrowing OwnedDescriptor, path: String, size: Int) {
        guard size <= limits.fileBytes else {
            skipped.tooLarge += 1
            skipped.tooLargeBytes += size
            return
        }
        guard files.count < limits.files, bytesRead + size <= limits.totalBytes else {
            skipped.beyondLimits += 1
            skipped.beyondLimitsBytes += size
            return
        }
        // One byte more than it should have: a file that grows meanwhile is noticed.
        guard let bytes = Self.bytes(of: file, limit: size + 1), bytes.count <= size else {
            skipped.unreadable += 1
            return
        }
        guard !bytes.prefix(8_192).contains(0) else {
            skipped.binary += 1
            return
        }
        bytesRead += bytes.count
        files.append(SourceFile(path: path, bytes: bytes))
    }

    private static func bytes(of file: borrowing OwnedDescriptor, limit: Int) -> [UInt8]? {
        let number = file.number
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while count < limit {
                let received = Glibc.read(number, buffer.baseAddress! + count, limit - count)
                if received < 0, errno == EINTR { continue }
                if received < 0 { failed = true }
                if received <= 0 { break }
                count += received
            }
        }
        return failed ? nil : bytes
    }
}
