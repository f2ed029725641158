import Glibc

/// The folders that agents may read, and the only way to a path inside them.
///
/// Paths that clients write are relative to the first root; `.` is that root. An absolute path is taken where it lies
/// in one of the roots. Symbolic links are resolved first, so what counts is where a path really leads.
public struct Workspace: Sendable, Hashable {
    /// Real, absolute paths without a slash at the end.
    public let roots: [String]

    /// Resolves and checks the roots; does a few system calls.
    /// - Throws: `badRoot` for a root that is no folder or does not exist, or where none is given.
    public init(roots: [String]) throws(AgentError) {
        guard !roots.isEmpty else { throw .badRoot(path: "", reason: "no root is configured") }
        var resolved: [String] = []
        for root in roots {
            guard let real = Self.realPath(root) else { throw .badRoot(path: root, reason: SystemError.last) }
            var status = stat()
            guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw .badRoot(path: root, reason: "is no folder")
            }
            guard access(real, R_OK | X_OK) == 0 else { throw .badRoot(path: root, reason: SystemError.last) }
            resolved.append(real)
        }
        self.roots = resolved
    }

    /// Where `target` really leads.
    ///
    /// What is opened later is checked again (`SourceReader`), so a link that is swapped in between gains nothing.
    /// - Throws: `outsideWorkspace`, `targetNotFound`, `unreadable`; each names the path as it was written.
    public func resolve(_ target: String) throws(AgentError) -> WorkspacePath {
        guard !target.isEmpty, !target.utf8.contains(0) else { throw .targetNotFound(path: target) }
        let written = target.hasPrefix("/") ? target : roots[0] + "/" + target
        // Asked before the file system, so that an answer never tells what exists outside.
        guard let plain = Self.withoutDots(written), root(of: plain) != nil || target.hasPrefix("/") else {
            throw .outsideWorkspace(path: target)
        }
        guard let real = Self.realPath(written) else {
            let error = errno
            guard root(of: plain) != nil else { throw .outsideWorkspace(path: target) }
            if error == ENOENT || error == ENOTDIR { throw .targetNotFound(path: target) }
            throw .unreadable(path: target, reason: SystemError.message(error))
        }
        guard let root = root(of: real) else { throw .outsideWorkspace(path: target) }
        return WorkspacePath(root: root, real: real, isInFirstRoot: root == roots[0])
    }

    /// The root that holds a real path.
    func root(of real: String) -> String? {
        roots.first { root in real == root || root == "/" || real.hasPrefix(root + "/") }
    }

    /// An absolute path with `.` and `..` taken out of its text, or nil where `..` climbs above `/`.
    private static func withoutDots(_ path: String) -> String? {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// A path that was found to lie inside a workspace root.
public struct WorkspacePath: Sendable, Hashable {
    /// The root, real and absolute.
    public let root: String
    /// The path, real and absolute.
    public let real: String
    let isInFirstRoot: Bool

    /// The path as a `target` would name it: relative in the first root, absolute in another.
    public var shown: String {
        guard isInFirstRoot else { return real }
        guard real != root else { return "." }
        return String(real.dropFirst(root == "/" ? 1 : root.count + 1))
    }

    /// The shown path of something below this one.
    func shown(below name: String) -> String {
        shown == "." ? name : "\(shown)/\(name)"
    }
}

/// The operating system's words for an error number.
enum SystemError {
    static var last: String { message(errno) }

    static func message(_ number: Int32) -> String {
        // Since 2.32 glibc keeps the text of `strerror` per thread.
        String(cString: strerror(number))
    }
}
