import Glibc

/// By what a changed file is noticed: its place on disk, its length and the time of its last change.
struct FileStamp: Equatable, Sendable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var bytes: Int64 = 0
    private var modifiedSeconds: Int = 0
    private var modifiedNanoseconds: Int = 0

    /// All zero if the file cannot be looked at.
    init(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
    }
}
