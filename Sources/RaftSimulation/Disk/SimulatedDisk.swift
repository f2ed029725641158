import WriteAheadLog

/// One machine's disk: byte-addressed files under the real log. What a process sees and what is on the platters are kept
/// apart. Whoever uses the disk does so within a `DiskJob`, which takes virtual time: the process sees all of it at once, and
/// it reaches the platters when the job completes, or in part if the machine dies before (`SimulatedDisk+Crash`).
///
/// Unchecked because a world runs on one thread; `LogStorage` asks for it.
final class SimulatedDisk: LogStorage, @unchecked Sendable {
    final class Inode {
        var seen: [UInt8] = []
        var durable: [UInt8] = []
    }

    enum Operation {
        case write(Inode, at: Int, [UInt8])
        case resize(Inode, to: Int)
        case sync(Inode)
        case bind(String, Inode)
        /// The new name is the file's own, whatever becomes of the old one.
        case rename(String, to: String, Inode)
        case remove(String)
        case syncDirectory
    }

    static let sectorBytes = 512
    let folder: String
    var names: [String: Inode] = [:]
    var durableNames: [String: Inode] = [:]
    /// Jobs that are under way, in the order in which they began, and where operations go at the moment.
    var outstanding: [DiskJob] = []
    private var current: DiskJob?
    /// Of completed jobs: what no sync has followed yet.
    var unsynced: [Operation] = []

    // Faults that wait for their moment.
    var failsNextSync = false
    var isFull = false
    /// The next write goes this far from where it should.
    var misdirection: Int?

    private(set) var syncs: UInt64 = 0

    init(folder: String) {
        self.folder = folder
    }

    // MARK: Jobs

    /// Everything `body` does belongs to the job, which is new or goes on.
    func run<Value, Failure: Error>(
        _ job: DiskJob, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        precondition(current == nil, "a disk works for one caller at a time")
        if !outstanding.contains(where: { $0 === job }) { outstanding.append(job) }
        current = job
        defer { current = nil }
        return try body()
    }

    /// The job's time is over: what it synced is durable.
    func complete(_ job: DiskJob) {
        guard let place = outstanding.firstIndex(where: { $0 === job }) else {
            preconditionFailure("a job that was begun is completed once")
        }
        outstanding.remove(at: place)
        settle(job.operations[...])
    }

    /// A job that takes no time.
    func runAtOnce<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        let job = DiskJob()
        defer { complete(job) }
        return try run(job, body)
    }

    func note(_ operation: Operation) {
        guard let current else { preconditionFailure("a disk is used within a job") }
        current.operations.append(operation)
    }

    /// Lets operations take effect on the platters as far as syncs among them demand; the rest stays unsynced.
    func settle(_ operations: ArraySlice<Operation>) {
        for operation in operations {
            switch operation {
            case .write, .resize, .bind, .rename, .remove: unsynced.append(operation)
            case .sync(let inode):
                unsynced.removeAll { waiting in
                    guard let target = waiting.inode, target === inode else { return false }
                    perform(waiting)
                    return true
                }
            case .syncDirectory:
                unsynced.removeAll { waiting in
                    guard waiting.inode == nil else { return false }
                    perform(waiting)
                    return true
                }
            }
        }
    }

    func perform(_ operation: Operation) {
        switch operation {
        case .write(let inode, let offset, let bytes):
            var target = offset
            if let distance = misdirection, offset + distance >= 0,
                offset + distance + bytes.count <= inode.durable.count
            {
                target = offset + distance
                misdirection = nil
            }
            inode.durable.place(bytes[...], at: target)
        case .resize(let inode, let count): inode.durable.extend(to: count)
        case .bind(let name, let inode): durableNames[name] = inode
        case .rename(let name, let newName, let inode): durableNames.rename(inode, from: name, to: newName)
        case .remove(let name): durableNames[name] = nil
        case .sync, .syncDirectory: preconditionFailure("a sync is not held back")
        }
    }

    // MARK: LogStorage

    func list() throws(StorageError) -> [String] { names.keys.sorted() }

    func open(_ name: String) throws(StorageError) -> any LogFile {
        guard let inode = names[name] else {
            throw StorageError(operation: .open, file: name, code: ErrorNumber.noFile)
        }
        return SimulatedFile(inode: inode, name: name, disk: self)
    }

    func create(_ name: String) throws(StorageError) -> any LogFile {
        guard names[name] == nil else { throw StorageError(operation: .create, file: name, code: ErrorNumber.exists) }
        let inode = Inode()
        names[name] = inode
        note(.bind(name, inode))
        return SimulatedFile(inode: inode, name: name, disk: self)
    }

    func rename(_ name: String, to newName: String) throws(StorageError) {
        guard let inode = names.removeValue(forKey: name) else {
            throw StorageError(operation: .rename, file: name, code: ErrorNumber.noFile)
        }
        names[newName] = inode
        note(.rename(name, to: newName, inode))
    }

    func remove(_ name: String) throws(StorageError) {
        guard names.removeValue(forKey: name) != nil else {
            throw StorageError(operation: .remove, file: name, code: ErrorNumber.noFile)
        }
        note(.remove(name))
    }

    func syncDirectory() throws(StorageError) {
        try countSync(.syncDirectory, folder)
        note(.syncDirectory)
    }

    func countSync(_ operation: StorageError.Operation, _ file: String) throws(StorageError) {
        syncs += 1
        guard failsNextSync else { return }
        failsNextSync = false
        throw StorageError(operation: operation, file: file, code: ErrorNumber.inputOutput)
    }
}

/// A piece of work for a disk. It takes time, and the machine may die in the middle of it.
final class DiskJob {
    fileprivate(set) var operations: [SimulatedDisk.Operation] = []
}

/// `errno` values of Linux.
enum ErrorNumber {
    static let noFile: Int32 = 2
    static let inputOutput: Int32 = 5
    static let exists: Int32 = 17
    static let noSpace: Int32 = 28
}

extension SimulatedDisk.Operation {
    /// The file it is about; nil for what concerns names.
    var inode: SimulatedDisk.Inode? {
        switch self {
        case .write(let inode, _, _), .resize(let inode, _), .sync(let inode): inode
        case .bind, .rename, .remove, .syncDirectory: nil
        }
    }
}

extension [String: SimulatedDisk.Inode] {
    /// Another file may have got the old name since: jobs end in another order than they began.
    mutating func rename(_ inode: SimulatedDisk.Inode, from name: String, to newName: String) {
        if self[name] === inode { self[name] = nil }
        self[newName] = inode
    }
}

extension [UInt8] {
    mutating func extend(to count: Int) {
        if count > self.count { append(contentsOf: repeatElement(0, count: count - self.count)) }
    }

    mutating func place(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        guard !bytes.isEmpty else { return }
        extend(to: offset + bytes.count)
        withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<(offset + $0.count)]).copyMemory(from: $0)
            }
        }
    }
}
