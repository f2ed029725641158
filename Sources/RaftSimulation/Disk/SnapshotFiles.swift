import Raft
import WriteAheadLog

/// The snapshot files of one node, as `RaftServer.SnapshotStore` keeps them: written beside, synced, renamed, the newest in
/// force, a damaged one passed over where something else can stand in for it. The format here is the simulation's own: index
/// (8), term (8), length of the membership (4), number of payloads (4), the membership, the manifest, the state, a checksum (8).
struct SnapshotFiles {
    struct Stored {
        var descriptor: SnapshotDescriptor
        var name: String
        /// The whole file; what travels to other members.
        var bytes: [UInt8]
        /// Where the state's bytes begin; they end 8 before the end.
        var stateStart: Int
        var manifest: PayloadManifest

        var state: ArraySlice<UInt8> { bytes[stateStart..<(bytes.count - 8)] }
    }

    enum Failure: Error {
        case damaged(String)
        case storage(StorageError)
    }

    static let writingName = "snapshot.writing"
    static let receivingName = "snapshot.receiving"
    private static let headerBytes = 24
    let disk: SimulatedDisk

    // MARK: Writing

    static func encode(_ descriptor: SnapshotDescriptor, _ manifest: PayloadManifest, state: [UInt8]) -> [UInt8] {
        let membership = descriptor.membership.encoded()
        let payloads = manifest.encoded()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerBytes + membership.count + payloads.count + state.count + 8)
        bytes.appendLittleEndian(descriptor.position.index.rawValue)
        bytes.appendLittleEndian(descriptor.position.term.rawValue)
        bytes.appendLittleEndian(UInt32(membership.count))
        bytes.appendLittleEndian(UInt32(manifest.entries.count))
        bytes.append(contentsOf: membership)
        bytes.append(contentsOf: payloads)
        bytes.append(contentsOf: state)
        bytes.appendLittleEndian(checksum(bytes[...]))
        return bytes
    }

    /// Writes a whole file under a name that does not count, and syncs it.
    func write(_ bytes: [UInt8], as name: String) throws(StorageError) {
        if disk.names[name] != nil { try disk.remove(name) }
        let file = try disk.create(name)
        try bytes.withUnsafeBufferPointer { buffer throws(StorageError) in
            try file.write(UnsafeRawBufferPointer(buffer), at: 0)
        }
        #if AMAS_MUTANTS
            if Mutant.active == .snapshotIsNotSynced { return }
        #endif
        try file.sync()
    }

    enum Adoption {
        case adopted(Stored)
        /// A newer one is there.
        case overtaken
    }

    /// Makes a complete file the newest snapshot.
    func adopt(_ complete: Stored) throws(StorageError) -> Adoption {
        let name = Self.name(complete.descriptor.position.index)
        let others = names
        guard others.allSatisfy({ $0 <= name }) else {
            try disk.remove(complete.name)
            return .overtaken
        }
        var stored = complete
        stored.name = name
        try disk.rename(complete.name, to: name)
        try disk.syncDirectory()
        for other in others where other != name { try disk.remove(other) }
        return .adopted(stored)
    }

    private static func name(_ index: LogIndex) -> String {
        let digits = String(index.rawValue)
        return "snapshot-" + String(repeating: "0", count: 20 - digits.count) + digits
    }

    private var names: [String] { disk.names.keys.filter { $0.hasPrefix("snapshot-") }.sorted() }

    // MARK: Reading

    /// The newest whole snapshot from which a log goes on that begins after `base`; nil before the first.
    func newest(beforeLogFrom base: LogIndex, _ payloads: PayloadStore) throws(Failure) -> Stored? {
        var damaged: String?
        var found: Stored?
        do throws(StorageError) {
            for name in [Self.writingName, Self.receivingName] where disk.names[name] != nil { try disk.remove(name) }
            for name in names.reversed() where found == nil {
                found = Self.decode(disk.names[name]?.seen ?? [], name: name)
                if let manifest = found?.manifest, payloads.missing(of: manifest) > 0 { found = nil }
                if found == nil {
                    damaged = name
                    try disk.remove(name)
                }
            }
        } catch {
            throw .storage(error)
        }
        if let damaged, (found?.descriptor.position.index ?? .zero) < base { throw .damaged(damaged) }
        return found
    }

    static func decode(_ bytes: [UInt8], name: String) -> Stored? {
        guard bytes.count >= headerBytes + 8 else { return nil }
        let end = bytes.count - 8
        guard checksum(bytes[..<end]) == bytes[...].littleEndian(at: end) else { return nil }
        let membershipEnd = headerBytes + Int(bytes[...].littleEndian(at: 16) as UInt32)
        let stateStart = membershipEnd + Int(bytes[...].littleEndian(at: 20) as UInt32) * PayloadEntry.byteCount
        guard stateStart <= end, let membership = try? Membership(decoding: bytes[headerBytes..<membershipEnd]),
            let manifest = PayloadManifest(decoding: bytes[membershipEnd..<stateStart])
        else { return nil }
        let position = LogPosition(
            index: LogIndex(bytes[...].littleEndian(at: 0)), term: Term(bytes[...].littleEndian(at: 8)))
        return Stored(
            descriptor: SnapshotDescriptor(position: position, membership: membership), name: name, bytes: bytes,
            stateStart: stateStart, manifest: manifest)
    }

    /// Eight bytes at a time; enough to see every fault that the simulation makes.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { buffer in
            var hash = TraceHash()
            var offset = 0
            while offset + 8 <= buffer.count {
                hash.mix(buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            while offset < buffer.count {
                hash.mix(UInt64(buffer[offset]))
                offset += 1
            }
            hash.mix(UInt64(buffer.count))
            return hash.value
        }
    }
}
