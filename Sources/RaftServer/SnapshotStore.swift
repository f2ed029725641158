import Glibc
import Raft
import Synchronization
import WriteAheadLog

/// The snapshot files of one node: `snapshot-<index>.amas`, the newest one in force.
///
/// A file is a header, the membership, the state's own bytes, and a trailer; little-endian:
/// magic (8), format version (4), group (4), index (8), term (8), length of the membership (4), the membership, then the state
/// to the trailer: length of the state (8), CRC-32C of everything before (4). A file that is not whole does not exist: it is
/// written beside, synced, and renamed.
///
/// In a file of version 2 the number of payloads that the state needs (8) and the manifest of these stand between membership and
/// state. The payloads themselves lie in segments that are durable before the file has its name. A state that needs none is
/// written as version 1.
///
/// A snapshot of the own state and one from the leader may become complete at the same moment, on two threads.
final class SnapshotStore: Sendable {
    static let formatVersion: UInt32 = 1
    static let formatVersionWithPayloads: UInt32 = 2
    private static let magic = Array("AMASSNAP".utf8)
    private static let headerLength = 36
    private static let trailerLength = 12
    let folder: String
    let payloads: PayloadStore
    /// Held while a file gets its name: which one is the newest must not change meanwhile.
    private let naming = Mutex(())

    init(folder: String, payloads: PayloadStore) {
        self.folder = folder
        self.payloads = payloads
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
        /// What the state needs besides.
        var manifest: PayloadManifest
    }

    // MARK: Writing

    /// Writes a snapshot and the payloads that it needs. Durable, under its name, on return; older ones are removed, and payloads
    /// that it does not need. Nil if a newer one has come meanwhile.
    /// - Parameter mark: the payload store's, when the image was taken.
    func save(_ descriptor: SnapshotDescriptor, image: any StateImage, mark: UInt64) throws -> Stored? {
        let manifest = try payloads.save(image.payloads, takenAt: mark)
        let file = try SnapshotFile(creating: writingPath)
        try file.write(Self.header(descriptor, manifest)[...])
        let start = file.length
        try image.write { try file.write($0) }
        let body = start..<file.length
        try file.writeTrailer(stateLength: body.count)
        try file.sync()
        let stored = try adopt(Stored(descriptor: descriptor, path: writingPath, body: body, manifest: manifest))
        if stored != nil { payloads.collect(keeping: manifest, of: descriptor.position.index.rawValue) }
        return stored
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

    private static func header(_ descriptor: SnapshotDescriptor, _ manifest: PayloadManifest) -> [UInt8] {
        let membership = descriptor.membership.encoded()
        var bytes = magic
        bytes.appendLittleEndian(manifest.isEmpty ? formatVersion : formatVersionWithPayloads)
        bytes.appendLittleEndian(UInt32(0))
        bytes.appendLittleEndian(descriptor.position.index.rawValue)
        bytes.appendLittleEndian(descriptor.position.term.rawValue)
        bytes.appendLittleEndian(UInt32(membership.count))
        precondition(bytes.count == headerLength, "the layout above and this function agree")
        bytes += membership
        guard !manifest.isEmpty else { return bytes }
        bytes.appendLittleEndian(UInt64(manifest.entries.count))
        return bytes + manifest.encoded()
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
                found = try openWithPayloads("\(folder)/\(name)")
            } catch let failure as Failure {
                guard case .damaged = failure else { throw failure }
                damaged.append((name, failure))
            }
        }
        if let first = damaged.first, (found?.descriptor.position.index ?? .zero) < base { throw first.failure }
        for (name, _) in damaged { rename("\(folder)/\(name)", "\(folder)/damaged-\(name)") }
        return found
    }

    /// Checks the file from end to end, and that what it needs is here.
    private func openWithPayloads(_ path: String) throws -> Stored {
        let stored = try open(path)
        let missing = payloads.missing(of: stored.manifest)
        guard missing == 0 else {
            throw Failure.damaged(path: path, reason: "\(missing) of the payloads that it needs are missing")
        }
        return stored
    }

    /// Checks the file from end to end.
    func open(_ path: String) throws -> Stored {
        let file = try SnapshotFile(reading: path)
        guard file.length >= Self.headerLength + Self.trailerLength else {
            throw Failure.damaged(path: path, reason: "too short")
        }
        let header = try file.read(at: 0, count: Self.headerLength)
        guard Array(header.prefix(8)) == Self.magic else { throw Failure.damaged(path: path, reason: "not a snapshot") }
        let version: UInt32 = header[...].littleEndian(at: 8)
        guard version == Self.formatVersion || version == Self.formatVersionWithPayloads else {
            throw Failure.damaged(path: path, reason: "unknown format version")
        }
        let membershipLength = Int(header[...].littleEndian(at: 32) as UInt32)
        let membershipEnd = Self.headerLength + membershipLength
        let bodyEnd = file.length - Self.trailerLength
        guard membershipEnd <= bodyEnd else { throw Failure.damaged(path: path, reason: "too short") }
        let manifest: PayloadManifest
        let bodyStart: Int
        if version == Self.formatVersionWithPayloads {
            (manifest, bodyStart) = try Self.manifest(in: file, at: membershipEnd, path: path)
        } else {
            (manifest, bodyStart) = (.empty, membershipEnd)
        }
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
            body: bodyStart..<bodyEnd, manifest: manifest)
    }

    private static func manifest(
        in file: SnapshotFile, at start: Int, path: String
    ) throws -> (PayloadManifest, end: Int) {
        guard start + 8 <= file.length else { throw Failure.damaged(path: path, reason: "too short") }
        let count: UInt64 = try file.read(at: start, count: 8)[...].littleEndian(at: 0)
        guard count <= UInt64(file.length / PayloadEntry.byteCount) else {
            throw Failure.damaged(path: path, reason: "its length is not what it says")
        }
        let length = Int(count) * PayloadEntry.byteCount
        guard start + 8 + length <= file.length,
            let manifest = PayloadManifest(decoding: try file.read(at: start + 8, count: length)[...])
        else { throw Failure.damaged(path: path, reason: "its list of payloads cannot be read") }
        return (manifest, start + 8 + length)
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
