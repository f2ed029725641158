import Glibc

/// Files that are there whole or not at all, and keys that nobody else can read at any moment.
enum CertificateFiles {
    static let maximumBytes = 1024 * 1024
    private static let keyMode: mode_t = 0o600
    private static let certificateMode: mode_t = 0o644

    static func makeDirectory(_ path: String) throws(CertificateError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .unwritable(path, message()) }
    }

    static func read(_ path: String) throws(CertificateError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path, message()) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path, message()) }
            if count == 0 { return bytes }
            bytes += part[..<count]
            guard bytes.count <= maximumBytes else { throw .unreadable(path, "larger than \(maximumBytes) bytes") }
        }
    }

    /// Writes the key first: a certificate without its key is of no use, the reverse does no harm.
    static func writePair(
        key: [UInt8], to keyPath: String, certificate: [UInt8], to certificatePath: String, force: Bool
    ) throws(CertificateError) {
        for path in [keyPath, certificatePath] where !force {
            // Before the first of the two is written; `write` checks again without a gap.
            if access(path, F_OK) == 0 { throw .exists(path) }
        }
        try write(key, to: keyPath, mode: keyMode, force: force)
        try write(certificate, to: certificatePath, mode: certificateMode, force: force)
    }

    /// Writes beside the target, syncs, then moves it there. Without `force` by a hard link, which fails if the target
    /// has appeared meanwhile. The file and its name are on disk on return.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t, force: Bool) throws(CertificateError) {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .unwritable(path, message()) }
        defer { unlink(temporary) }
        do {
            defer { close(descriptor) }
            try writeAll(bytes, to: descriptor, path)
            // The process's umask may have taken bits away, never added any.
            guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw .unwritable(path, message()) }
        }
        if force {
            guard rename(temporary, path) == 0 else { throw .unwritable(path, message()) }
        } else {
            guard link(temporary, path) == 0 else {
                throw errno == EEXIST ? .exists(path) : .unwritable(path, message())
            }
        }
        try syncDirectory(of: path)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: CInt, _ path: String) throws(CertificateError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .unwritable(path, message()) }
            written += count
        }
    }

    private static func syncDirectory(of path: String) throws(CertificateError) {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path, message()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .unwritable(path, message()) }
    }

    private static func message() -> String { String(cString: strerror(errno)) }
}
