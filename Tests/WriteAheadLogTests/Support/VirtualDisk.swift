import Glibc
import WriteAheadLog

/// A folder in memory that keeps apart what a process sees and what is on the platters. A power loss keeps any chosen
/// subset of the sectors and of the name changes that were not synced. Every call is counted, and any can be made the
/// last one of its process, or fail.
///
/// Unchecked because each test uses its disk from one thread.
final class VirtualDisk: LogStorage, @unchecked Sendable {
    /// Which unsynced sectors and name changes outlive a loss of power.
    enum Survivors {
        case none
        case all
        case random(SeededGenerator)
        /// For the named file exactly these sectors; all else that is unsynced is lost.
        case sectors(Set<Int>, of: String)
    }

    final class Inode {
        var seen: [UInt8] = []
        var durable: [UInt8] = []
        var dirtySectors: Set<Int> = []

        func copy() -> Inode {
            let copy = Inode()
            (copy.seen, copy.durable, copy.dirtySectors) = (seen, durable, dirtySectors)
            return copy
        }
    }

    private enum NameChange {
        case set(String, Inode)
        case rename(String, to: String)
        case remove(String)
    }

    let folder = "virtual"
    static let sectorBytes = 512
    /// What a call throws once its process is dead.
    static let deadProcess: Int32 = ECANCELED

    private(set) var operations = 0
    /// The call with this number, and all later ones, do nothing and throw: the process died before it.
    var dieBefore: Int?
    /// Called before each call; a number makes it fail with that errno without effect.
    var failure: (Int, StorageError.Operation, String) -> Int32? = { _, _, _ in nil }

    private var names: [String: Inode] = [:]
    private var durableNames: [String: Inode] = [:]
    private var nameChanges: [NameChange] = []

    func enter(_ operation: StorageError.Operation, _ file: String) throws(StorageError) {
        let number = operations
        operations += 1
        if let dieBefore, number >= dieBefore {
            throw StorageError(operation: operation, file: file, code: Self.deadProcess)
        }
        if let code = failure(number, operation, file) {
            throw StorageError(operation: operation, file: file, code: code)
        }
    }

    func list() throws(StorageError) -> [String] {
        try enter(.list, folder)
        return names.keys.sorted()
    }

    func open(_ name: String) throws(StorageError) -> any LogFile {
        try enter(.open, name)
        guard let inode = names[name] else { throw StorageError(operation: .open, file: name, code: ENOENT) }
        return VirtualFile(inode: inode, name: name, disk: self)
    }

    func create(_ name: String) throws(StorageError) -> any LogFile {
        try enter(.create, name)
        guard names[name] == nil else { throw StorageError(operation: .create, file: name, code: EEXIST) }
        let inode = Inode()
        names[name] = inode
        nameChanges.append(.set(name, inode))
        return VirtualFile(inode: inode, name: name, disk: self)
    }

    func rename(_ name: String, to newName: String) throws(StorageError) {
        try enter(.rename, name)
        guard let inode = names.removeValue(forKey: name) else {
            throw StorageError(operation: .rename, file: name, code: ENOENT)
        }
        names[newName] = inode
        nameChanges.append(.rename(name, to: newName))
    }

    func remove(_ name: String) throws(StorageError) {
        try enter(.remove, name)
        guard names.removeValue(forKey: name) != nil else {
            throw StorageError(operation: .remove, file: name, code: ENOENT)
        }
        nameChanges.append(.remove(name))
    }

    func syncDirectory() throws(StorageError) {
        try enter(.syncDirectory, folder)
        durableNames = names
        nameChanges = []
    }

    /// The machine lost power and is back.
    func losePower(keeping survivors: Survivors) {
        var survivors = survivors
        for change in nameChanges where survivors.keepsNameChange() {
            switch change {
            case .set(let name, let inode): durableNames[name] = inode
            case .rename(let name, let newName):
                if let inode = durableNames.removeValue(forKey: name) { durableNames[newName] = inode }
            case .remove(let name): durableNames[name] = nil
            }
        }
        nameChanges = []
        for (name, inode) in durableNames.sorted(by: { $0.key < $1.key }) {
            for sector in inode.dirtySectors.sorted() where survivors.keeps(sector, of: name) {
                inode.makeDurable(sector)
            }
            inode.seen = inode.durable
            inode.dirtySectors = []
        }
        names = durableNames
        revive()
    }

    /// The process died, the machine did not: everything written is seen, synced or not.
    func revive() {
        dieBefore = nil
        failure = { _, _, _ in nil }
        operations = 0
    }

    /// Marks all that was written as clean without writing it, so that a later sync finds nothing to do.
    func forgetDirtySectors() {
        for inode in names.values { inode.dirtySectors = [] }
    }

    /// Another disk with the same content, seen and durable.
    func copy() -> VirtualDisk {
        let copy = VirtualDisk()
        precondition(nameChanges.isEmpty, "copied between name changes")
        copy.names = names.mapValues { $0.copy() }
        copy.durableNames = copy.names
        return copy
    }

    var fileNames: [String] { names.keys.sorted() }

    /// The bytes of a file. Setting them damages the disk itself.
    subscript(name: String) -> [UInt8] {
        get { names[name]?.seen ?? [] }
        set {
            let inode = names[name] ?? Inode()
            inode.seen = newValue
            inode.durable = newValue
            inode.dirtySectors = []
            names[name] = inode
            durableNames[name] = inode
        }
    }

    /// Makes a sector of a file look as if nothing had ever been written there.
    func blank(_ sector: Int, of name: String) {
        let start = sector * Self.sectorBytes
        self[name].replaceSubrange(start..<(start + Self.sectorBytes), with: repeatElement(0, count: Self.sectorBytes))
    }

    func delete(_ name: String) {
        names[name] = nil
        durableNames[name] = nil
    }
}

extension VirtualDisk.Inode {
    func makeDurable(_ sector: Int) {
        let start = sector * VirtualDisk.sectorBytes
        let end = min(start + VirtualDisk.sectorBytes, seen.count)
        if durable.count < end { durable += [UInt8](repeating: 0, count: end - durable.count) }
        durable.withUnsafeMutableBytes { durable in
            _ = seen.withUnsafeBytes { memcpy(durable.baseAddress! + start, $0.baseAddress! + start, end - start) }
        }
    }
}

extension VirtualDisk.Survivors {
    fileprivate mutating func keepsNameChange() -> Bool {
        switch self {
        case .none, .sectors: return false
        case .all: return true
        case .random(var generator):
            defer { self = .random(generator) }
            return Bool.random(using: &generator)
        }
    }

    fileprivate mutating func keeps(_ sector: Int, of name: String) -> Bool {
        switch self {
        case .none: return false
        case .all: return true
        case .sectors(let kept, let file): return name == file && kept.contains(sector)
        case .random(var generator):
            defer { self = .random(generator) }
            return Bool.random(using: &generator)
        }
    }
}

final class VirtualFile: LogFile {
    private let inode: VirtualDisk.Inode
    private let name: String
    private let disk: VirtualDisk

    init(inode: VirtualDisk.Inode, name: String, disk: VirtualDisk) {
        self.inode = inode
        self.name = name
        self.disk = disk
    }

    func size() throws(StorageError) -> UInt64 {
        try disk.enter(.size, name)
        return UInt64(inode.seen.count)
    }

    func reserve(_ byteCount: UInt64) throws(StorageError) {
        try disk.enter(.reserve, name)
        extend(to: Int(byteCount))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
        try disk.enter(.write, name)
        guard !bytes.isEmpty else { return }
        let range = Int(offset)..<(Int(offset) + bytes.count)
        extend(to: range.upperBound)
        inode.seen.withUnsafeMutableBytes {
            $0.baseAddress!.advanced(by: range.lowerBound)
                .copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        }
        let sectors = (range.lowerBound / VirtualDisk.sectorBytes)...((range.upperBound - 1) / VirtualDisk.sectorBytes)
        inode.dirtySectors.formUnion(sectors)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int {
        try disk.enter(.read, name)
        let start = min(Int(offset), inode.seen.count)
        let end = min(start + buffer.count, inode.seen.count)
        inode.seen[start..<end].withUnsafeBytes { buffer.copyMemory(from: $0) }
        return end - start
    }

    func sync() throws(StorageError) {
        try disk.enter(.sync, name)
        for sector in inode.dirtySectors { inode.makeDurable(sector) }
        // Like fdatasync, which also writes a changed size.
        let missing = inode.seen.count - inode.durable.count
        if missing > 0 { inode.durable += [UInt8](repeating: 0, count: missing) }
        inode.dirtySectors = []
    }

    private func extend(to byteCount: Int) {
        let missing = byteCount - inode.seen.count
        if missing > 0 { inode.seen += [UInt8](repeating: 0, count: missing) }
    }
}
