import Glibc
import Synchronization
public import WriteAheadLog

/// A real folder on a disk that can be full: then no file gets room that it has not got already. It can stand still as well: then
/// no sync returns.
public final class FullDisk: Sendable {
    private let isFull = Mutex(false)
    private let isStill = Mutex(false)
    private let refused = Mutex(0)

    public init() {}

    public func fill() { isFull.withLock { $0 = true } }
    public func empty() { isFull.withLock { $0 = false } }
    public func standStill() { isStill.withLock { $0 = true } }
    public func goOn() { isStill.withLock { $0 = false } }
    /// How often room was asked for in vain.
    public var refusals: Int { refused.withLock { $0 } }

    public func open(_ folder: String) throws(WriteAheadLogError) -> any LogStorage {
        Storage(storage: try PosixLogStorage(folder: folder), disk: self)
    }

    /// Blocks the log's thread, which is made for that.
    fileprivate func waitWhileStill() {
        while isStill.withLock({ $0 }) { usleep(1_000) }
    }

    fileprivate func reserve(_ name: String) throws(StorageError) {
        guard isFull.withLock({ $0 }) else { return }
        refused.withLock { $0 += 1 }
        throw StorageError(operation: .reserve, file: name, code: ENOSPC)
    }
}

private struct Storage: LogStorage {
    let storage: PosixLogStorage
    let disk: FullDisk

    var folder: String { storage.folder }
    func list() throws(StorageError) -> [String] { try storage.list() }
    func open(_ name: String) throws(StorageError) -> any LogFile { try wrap(storage.open(name), name) }
    func create(_ name: String) throws(StorageError) -> any LogFile { try wrap(storage.create(name), name) }
    func rename(_ name: String, to newName: String) throws(StorageError) { try storage.rename(name, to: newName) }
    func remove(_ name: String) throws(StorageError) { try storage.remove(name) }
    func syncDirectory() throws(StorageError) { try storage.syncDirectory() }

    private func wrap(_ file: any LogFile, _ name: String) -> any LogFile { File(file: file, name: name, disk: disk) }
}

private final class File: LogFile {
    private let file: any LogFile
    private let name: String
    private let disk: FullDisk

    init(file: any LogFile, name: String, disk: FullDisk) {
        self.file = file
        self.name = name
        self.disk = disk
    }

    func size() throws(StorageError) -> UInt64 { try file.size() }
    func reserve(_ byteCount: UInt64) throws(StorageError) {
        try disk.reserve(name)
        try file.reserve(byteCount)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
        try file.write(bytes, at: offset)
    }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func sync() throws(StorageError) {
        disk.waitWhileStill()
        try file.sync()
    }
}
