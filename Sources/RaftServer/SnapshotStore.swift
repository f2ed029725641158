import CPlatform
import Glibc
import Raft

/// The snapshot files of one node: `snapshot-<index>.amas`, the newest one in force.
///
/// A file is a header, the membership, the state's own bytes, and a trailer; little-endian:
/// magic (8), format version (4), group (4), index (8), term (8), length of the membership (4), the membership, then the state
/// to the trailer: length of the state (8), CRC-32C of everything before (4). A file that is not whole does not exist: it is
/// written beside, synced, and renamed.
struct SnapshotStore: Sendable {
    static let formatVersion: UInt32 = 1
    private static let magic = Array("AMASSNAP".utf8)
    private static let headerLength = 36
    private static let trailerLength = 12
    let folder: String

    enum Failure: Error, CustomStringConvertible {
        case io(operation: String, path: String, errno: Int32)
        case damaged(path: String, reason: String)

        var description: String {
            switch self {
            case .io(let operation, let path, let code):
                "cannot \(operation) \(path): \(String(cString: strerror(code)))"
            case .damaged(let path, let reason): "the snapshot \(path) is damaged: \(reason)"
            }
        }
    }

    /// A snapshot that is whole on disk.
    struct Stored: Sendable {
        var descriptor: SnapshotDescriptor
        var path: String
        /// Where the state's bytes lie in the file.
        var body: Range<Int>
    }

    // MARK: Writing

    /// Writes a snapshot. Durable, under its name, on return; older ones are removed.
    func save(_ descriptor: SnapshotDescriptor, image: any StateImage) throws -> Stored {
        let temporary = "\(folder)/snapshot.writing"
        let file = try SnapshotFile(creating: temporary)
        try file.write(Self.header(descriptor)[...])
        let start = file.length
        try image.write { try file.write($0) }
        try file.writeTrailer(stateLength: file.length - start)
        try file.sync()
        return try adopt(temporary, descriptor)
    }

    /// Makes a complete file that was received, or written, the newest snapshot. Durable on return.
    func adopt(_ temporary: String, _ descriptor: SnapshotDescriptor) throws -> Stored {
        let path = "\(folder)/\(Self.name(descriptor.position.index))"
        guard rename(temporary, path) == 0 else { throw Failure.io(operation: "rename", path: temporary, errno: errno) }
        try SnapshotFile.syncFolder(folder)
        let stored = try open(path)
        for name in try names() where "\(folder)/\(name)" != path { unlink("\(folder)/\(name)") }
        return stored
    }

    private static func name(_ index: LogIndex) -> String {
        let digits = String(index.rawValue)
        return "snapshot-" + String(repeating: "0", count: 20 - digits.count) + digits + ".amas"
    }

    private static func header(_ descriptor: SnapshotDescriptor) -> [UInt8] {
        let membership = descriptor.membership.encoded()
        var bytes = magic
        bytes.appendLittleEndian(formatVersion)
        bytes.appendLittleEndian(UInt32(0))
        bytes.appendLittleEndian(descriptor.position.index.rawValue)
        bytes.appendLittleEndian(descriptor.position.term.rawValue)
        bytes.appendLittleEndian(UInt32(membership.count))
        precondition(bytes.count == headerLength, "the layout above and this function agree")
        return bytes + membership
    }

    // MARK: Reading

    /// The newest whole snapshot, or nil before the first. A damaged one is an error: what it held is compacted.
    func newest() throws -> Stored? {
        unlink("\(folder)/snapshot.writing")
        unlink("\(folder)/snapshot.receiving")
        guard let name = try names().last else { return nil }
        return try open("\(folder)/\(name)")
    }

    /// Checks the file from end to end.
    func open(_ path: String) throws -> Stored {
        let file = try SnapshotFile(reading: path)
        guard file.length >= Self.headerLength + Self.trailerLength else {
            throw Failure.damaged(path: path, reason: "too short")
        }
        let header = try file.read(at: 0, count: Self.headerLength)
        guard Array(header.prefix(8)) == Self.magic else { throw Failure.damaged(path: path, reason: "not a snapshot") }
        guard header[...].littleEndian(at: 8) == Self.formatVersion else {
            throw Failure.damaged(path: path, reason: "unknown format version")
        }
        let membershipLength = Int(header[...].littleEndian(at: 32) as UInt32)
        let bodyStart = Self.headerLength + membershipLength
        let bodyEnd = file.length - Self.trailerLength
        guard bodyStart <= bodyEnd else { throw Failure.damaged(path: path, reason: "too short") }
        let trailer = try file.read(at: bodyEnd, count: Self.trailerLength)
        guard trailer[...].littleEndian(at: 0) == UInt64(bodyEnd - bodyStart) else {
            throw Failure.damaged(path: path, reason: "its length is not what it says")
        }
        guard try file.checksum(upTo: bodyEnd + 8) == trailer[...].littleEndian(at: 8) as UInt32 else {
            throw Failure.damaged(path: path, reason: "its checksum does not match")
        }
        guard let membership = try? Membership(decoding: file.read(at: Self.headerLength, count: membershipLength)[...]) else {
            throw Failure.damaged(path: path, reason: "its membership cannot be read")
        }
        let position = LogPosition(
            index: LogIndex(header[...].littleEndian(at: 16)), term: Term(header[...].littleEndian(at: 24)))
        return Stored(
            descriptor: SnapshotDescriptor(position: position, membership: membership), path: path,
            body: bodyStart..<bodyEnd)
    }

    private func names() throws -> [String] {
        guard let directory = opendir(folder) else { throw Failure.io(operation: "list", path: folder, errno: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let item = readdir(directory) {
            let name = withUnsafePointer(to: &item.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("snapshot-"), name.hasSuffix(".amas") { names.append(name) }
        }
        return names.sorted()
    }
}
