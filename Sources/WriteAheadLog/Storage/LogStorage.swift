/// One data folder, as this room needs it. `PosixLogStorage` is the real one; tests and the simulator supply a virtual
/// disk that loses, tears and refuses. Names are plain file names without a path.
///
/// Sendable because a spare segment is prepared on another thread than the log's (`SparePreparation`).
public protocol LogStorage: Sendable {
    /// For messages to people.
    var folder: String { get }
    /// The names in the folder, in any order.
    func list() throws(StorageError) -> [String]
    /// An existing file, for reading and, unless the storage is read-only, writing.
    func open(_ name: String) throws(StorageError) -> any LogFile
    /// A new, empty file; an existing one of that name is an error.
    func create(_ name: String) throws(StorageError) -> any LogFile
    /// Replaces a file of the new name. Durable after `syncDirectory`.
    func rename(_ name: String, to newName: String) throws(StorageError)
    /// Durable after `syncDirectory`.
    func remove(_ name: String) throws(StorageError)
    /// Makes creations, renames and removals so far durable.
    func syncDirectory() throws(StorageError)
}

/// An open file; closed when the last reference goes. Used by one thread at a time.
public protocol LogFile: AnyObject {
    func size() throws(StorageError) -> UInt64
    /// Gets the blocks for the first `byteCount` bytes, so that a full disk shows here and not in a later write.
    func reserve(_ byteCount: UInt64) throws(StorageError)
    /// Writes all bytes or throws.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError)
    /// Fills the buffer from the file; returns fewer bytes than asked only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int
    /// On return, everything written is durable (fdatasync).
    func sync() throws(StorageError)
}

/// A failed call to the operating system.
public struct StorageError: Error, Equatable, Sendable {
    public enum Operation: String, Equatable, Sendable {
        case openFolder, lock, list, open, create, rename, remove, syncDirectory, size, reserve, write, read, sync
    }

    public var operation: Operation
    /// The file's name, or the folder's path for calls on the folder.
    public var file: String
    /// The `errno` value.
    public var code: Int32

    public init(operation: Operation, file: String, code: Int32) {
        self.operation = operation
        self.file = file
        self.code = code
    }
}
