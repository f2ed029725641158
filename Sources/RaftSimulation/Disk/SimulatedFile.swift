import WriteAheadLog

/// An open file of a `SimulatedDisk`. It outlives its name, as files do.
final class SimulatedFile: LogFile {
    private let inode: SimulatedDisk.Inode
    private let name: String
    private let disk: SimulatedDisk

    init(inode: SimulatedDisk.Inode, name: String, disk: SimulatedDisk) {
        self.inode = inode
        self.name = name
        self.disk = disk
    }

    func size() throws(StorageError) -> UInt64 { UInt64(inode.seen.count) }

    func reserve(_ byteCount: UInt64) throws(StorageError) {
        if disk.isFull { throw StorageError(operation: .reserve, file: name, code: ErrorNumber.noSpace) }
        inode.seen.extend(to: Int(byteCount))
        disk.note(.resize(inode, to: Int(byteCount)))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
        let copy = [UInt8](bytes)
        inode.seen.place(copy[...], at: Int(offset))
        disk.note(.write(inode, at: Int(offset), copy))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int {
        let start = min(Int(offset), inode.seen.count)
        let end = min(start + buffer.count, inode.seen.count)
        inode.seen[start..<end].withUnsafeBytes { buffer.copyMemory(from: $0) }
        return end - start
    }

    func sync() throws(StorageError) {
        try disk.countSync(.sync, name)
        disk.note(.sync(inode))
    }
}
