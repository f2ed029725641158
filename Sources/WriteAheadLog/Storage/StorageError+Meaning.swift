import Glibc

extension StorageError {
    /// The disk, or the user's share of it, is full.
    var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    var isMissingFile: Bool { code == ENOENT }
}

extension StorageError: CustomStringConvertible {
    public var description: String {
        "\(operation.rawValue) of \(file): \(String(cString: strerror(code))) (errno \(code))"
    }
}
