import CPlatform
import Glibc
import Raft

/// The file of a `CrashRecord` in a node's folder. Every line is appended by one write, so that the node, the handler of its crash
/// and an operator's command may write at any time.
final class CrashFile: Sendable {
    static let name = "crashes"
    /// A record that is pruned at every start stays far below.
    private static let maximumBytes = 64 << 10

    private let descriptor: Int32
    private let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    static func read(_ folder: String) throws -> CrashRecord {
        let path = "\(folder)/\(name)"
        guard access(path, F_OK) == 0 else { return CrashRecord("") }
        let file = try SnapshotFile(reading: path)
        let bytes = try file.read(at: 0, count: min(file.length, maximumBytes))
        return CrashRecord(String(decoding: bytes, as: UTF8.self))
    }

    /// Opens the file for appending, and makes it if it is not there.
    static func open(_ folder: String) throws -> CrashFile {
        let path = "\(folder)/\(name)"
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SnapshotStore.Failure.io(operation: "open", path: path, errno: errno) }
        return CrashFile(descriptor: descriptor, path: path)
    }

    /// Replaces the file: at any moment it has the old text or the new one, whole.
    static func write(_ record: CrashRecord, _ folder: String) throws {
        let path = "\(folder)/\(name)"
        let file = try SnapshotFile(creating: path + ".new")
        try file.write(Array(record.text.utf8)[...])
        try file.sync()
        guard rename(path + ".new", path) == 0 else {
            throw SnapshotStore.Failure.io(operation: "rename", path: path, errno: errno)
        }
        try SnapshotFile.syncFolder(folder)
    }

    /// Durable on return.
    func append(_ line: String) throws {
        let bytes = Array("\(line)\n".utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fdatasync(descriptor) == 0 else {
            throw SnapshotStore.Failure.io(operation: "write", path: path, errno: errno)
        }
    }

    /// Has crashes of the calling thread noted here.
    func watchThisThread() {
        let failure = amas_crash_watch(descriptor)
        precondition(failure == 0, "no stack for the handler of a crash: \(String(cString: strerror(failure)))")
    }
}
