import Glibc

/// A folder of the file system. The exclusive form holds a lock (flock) on it as long as it lives, so two processes
/// never write one log; the kernel lets go of it when a process dies.
///
/// Sendable: the folder's descriptor never changes, and the calls on it may run side by side.
public final class PosixLogStorage: LogStorage {
    public let folder: String
    private let descriptor: Int32
    private let isReadOnly: Bool

    /// For a node: makes the folder (not its parents) if it is missing, and locks it.
    ///
    /// Throws `folderInUse` if another holds it, `failed` if it cannot be made, opened or locked.
    public init(folder: String) throws(WriteAheadLogError) {
        let isNew = mkdir(folder, 0o700) == 0
        if !isNew, errno != EEXIST {
            throw .failed(StorageError(operation: .openFolder, file: folder, code: errno))
        }
        descriptor = try Self.openFolder(folder)
        self.folder = folder
        isReadOnly = false
        // From here on `deinit` runs also when this throws.
        try syncParent(isNew: isNew)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            if code == EWOULDBLOCK { throw .folderInUse(folder: folder) }
            throw .failed(StorageError(operation: .lock, file: folder, code: code))
        }
    }

    /// For `DurableLog.inspect`: takes no lock and opens files for reading only, also beside a running node.
    public init(readingFolder folder: String) throws(WriteAheadLogError) {
        descriptor = try Self.openFolder(folder)
        self.folder = folder
        isReadOnly = true
    }

    deinit {
        close(descriptor)
    }

    private static func openFolder(_ folder: String) throws(WriteAheadLogError) -> Int32 {
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .failed(StorageError(operation: .openFolder, file: folder, code: errno))
        }
        return descriptor
    }

    /// Makes the folder's own name durable, or a loss of power could take it with all that was synced in it. An older
    /// folder's name is synced again in case a crash came before that; but the parent of one that an operator has made
    /// may be closed to us, and need not be.
    private func syncParent(isNew: Bool) throws(WriteAheadLogError) {
        let parent = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if parent >= 0 { close(parent) } }
        if parent < 0 || fsync(parent) != 0, isNew {
            throw .failed(StorageError(operation: .syncDirectory, file: folder + "/..", code: errno))
        }
    }

    public func list() throws(StorageError) -> [String] {
        // A descriptor of its own: reading moves the position, and closing the stream closes it.
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw StorageError(operation: .list, file: folder, code: errno) }
        guard let stream = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw StorageError(operation: .list, file: folder, code: code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw StorageError(operation: .list, file: folder, code: errno) }
        return names
    }

    public func open(_ name: String) throws(StorageError) -> any LogFile {
        let file = openat(descriptor, name, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
        guard file >= 0 else { throw StorageError(operation: .open, file: name, code: errno) }
        return PosixLogFile(descriptor: file, name: name)
    }

    public func create(_ name: String) throws(StorageError) -> any LogFile {
        let file = openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StorageError(operation: .create, file: name, code: errno) }
        return PosixLogFile(descriptor: file, name: name)
    }

    public func rename(_ name: String, to newName: String) throws(StorageError) {
        guard renameat(descriptor, name, descriptor, newName) == 0 else {
            throw StorageError(operation: .rename, file: name, code: errno)
        }
    }

    public func remove(_ name: String) throws(StorageError) {
        guard unlinkat(descriptor, name, 0) == 0 else {
            throw StorageError(operation: .remove, file: name, code: errno)
        }
    }

    public func syncDirectory() throws(StorageError) {
        guard fsync(descriptor) == 0 else { throw StorageError(operation: .syncDirectory, file: folder, code: errno) }
    }
}

/// An open file of a `PosixLogStorage`.
final class PosixLogFile: LogFile {
    private let descriptor: Int32
    private let name: String

    init(descriptor: Int32, name: String) {
        precondition(descriptor >= 0, "an open file")
        self.descriptor = descriptor
        self.name = name
    }

    deinit {
        close(descriptor)
    }

    func size() throws(StorageError) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(.size) }
        return UInt64(status.st_size)
    }

    func reserve(_ byteCount: UInt64) throws(StorageError) {
        var code: Int32
        repeat { code = posix_fallocate(descriptor, 0, off_t(byteCount)) } while code == EINTR
        guard code == 0 else { throw StorageError(operation: .reserve, file: name, code: code) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress! + written, bytes.count - written, off_t(offset) + off_t(written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(.write) }
            written += count
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset) + off_t(filled))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(.read) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Never called again after an error: the kernel reports a lost page once and then marks it clean.
    func sync() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else { throw failure(.sync) }
    }

    private func failure(_ operation: StorageError.Operation) -> StorageError {
        StorageError(operation: operation, file: name, code: errno)
    }
}
