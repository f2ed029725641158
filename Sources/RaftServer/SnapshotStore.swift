import Glibc
import Raft
import Synchronization

/// The snapshot files of one node: `snapshot-<index>.amas`, the newest one in force.
///
/// A file is a header, the membership, the state's own bytes, and a trailer; little-endian:
/// magic (8), format version (4), group (4), index (8), term (8), length of the membership (4), the membership, then the state
/// to the trailer: length of the state (8), CRC-32C of everything before (4). A file that is not whole does not exist: it is
/// written beside, synced, and renamed.
///
/// A snapshot of the own state and one from the leader may become complete at the same moment, on two threads.
final class SnapshotStore: Sendable {
    static let formatVersion: UInt32 = 1
    private static let magic = Array("AMASSNAP".utf8)
    private static let headerLength = 36
    private static let trailerLength = 12
    let folder: String
    /// Held while a file gets its name: which one is the newest must not change meanwhile.
    private let naming = Mutex(())

    init(folder: String) {
        self.folder = folder
    }

    var receivingPath: String { "\(folder)/snapshot.receiving" }
    private var writingPath: String { "\(folder)/snapshot.writing" }

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
    struct Stored: Equatable, Sendable {
        var descriptor: SnapshotDescriptor
        var path: String
        /// Where the state's bytes lie in the file.
        var body: Range<Int>
    }

    // MARK: Writing

    /// Writes a snapshot. Durable, under its name, on return; older ones are removed. Nil if a newer one has come meanwhile.
    func save(_ descriptor: SnapshotDescriptor, image: any StateImage) throws -> Stored? {
        let file = try SnapshotFile(creating: writingPath)
        try file.write(Self.header(descriptor)[...])
        let start = file.length
        try image.write { try file.write($0) }
        let body = start..<file.length
        try file.writeTrailer(stateLength: body.count)
        try file.sync()
        return try adopt(Stored(descriptor: descriptor, path: writingPath, body: body))
    }

    /// Makes a complete file, received or written, the newest snapshot. Durable on return. Nil if a newer one is there: that one
    /// is in force, and the log may have been cut to it.
    func adopt(_ complete: Stored) throws -> Stored? {
        let name = Self.name(complete.descriptor.position.index)
        return try naming.withLock { _ in
            let others = try names()
            guard others.allSatisfy({ $0 <= name }) else {
                unlink(complete.path)
                return nil
            }
            var stored = complete
            stored.path = "\(folder)/\(name)"
            guard rename(complete.path, stored.path) == 0 else {
                throw Failure.io(operation: "rename", path: complete.path, errno: errno)
            }
            try SnapshotFile.syncFolder(folder)
            for other in others where other != name { unlink("\(folder)/\(other)") }
            return stored
        }
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

    /// The newest whole snapshot from which a log goes on that begins after `base`; nil before the first. A damaged one is passed
    /// over, and kept under another name for whoever wants to know why, if an older one or the whole log can stand in for it.
    /// - Throws: `Failure.damaged` if nothing can.
    func newest(beforeLogFrom base: LogIndex) throws -> Stored? {
        unlink(writingPath)
        unlink(receivingPath)
        var damaged: [(name: String, failure: Failure)] = []
        var found: Stored?
        for name in try names().reversed() where found == nil {
            do {
                found = try open("\(folder)/\(name)")
            } catch let failure as Failure {
                guard case .damaged = failure else { throw failure }
                damaged.append((name, failure))
            }
        }
        if let first = damaged.first, (found?.descriptor.position.index ?? .zero) < base { throw first.failure }
        for (name, _) in damaged { rename("\(folder)/\(name)", "\(folder)/damaged-\(name)") }
        return found
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
        guard let membership = try? Membership(decoding: file.read(at: Self.headerLength, count: membershipLength)[...])
        else {
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
