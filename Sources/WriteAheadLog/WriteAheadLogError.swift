/// Everything that can go wrong in this room, one case for each thing that a caller can act on.
public enum WriteAheadLogError: Error, Equatable, Sendable {
    /// Another process, or another object of this one, holds the folder. Nothing was touched.
    case folderInUse(folder: String)
    /// The folder belongs to another cluster, node, group or incarnation. Nothing was touched.
    case belongsElsewhere(file: String, mismatch: OwnerMismatch)
    /// The folder is in a state in which no start may happen by itself. Nothing was touched.
    case refused(RefusedFolder)
    /// Bytes that had been synced have changed or are gone. The node must not vote; it is replaced, never wiped.
    case damaged(DamageReport)
    /// Written by a newer program.
    case unknownFormatVersion(file: String, version: UInt32)
    /// A record is larger than `DurableLog.Limits.maximumPayloadBytes`. No record of the call was taken.
    case payloadTooLarge(bytes: Int, maximum: Int)
    /// There is no room for another segment or for the identity. **Not fatal**: nothing half-written is left, taken
    /// records stay pending, and `sync` may be called again once there is room.
    case noSpace(StorageError)
    /// A call to the operating system failed. Fatal: what is on disk is unknown, so the log refuses every later call
    /// with the same error. The process ends; it is never retried (a second fsync may "succeed" without the data).
    case failed(StorageError)

    /// Whether the process must end.
    public var isFatal: Bool {
        switch self {
        case .damaged, .failed: true
        case .folderInUse, .belongsElsewhere, .refused, .unknownFormatVersion, .payloadTooLarge, .noSpace: false
        }
    }
}

/// Which part of the owner differs.
public enum OwnerMismatch: Equatable, Sendable {
    case cluster(expected: String, found: String)
    case node(expected: UInt64, found: UInt64)
    case group(expected: UInt32, found: UInt32)
    case incarnation(expected: UInt64, found: UInt64)
}

/// Why a folder cannot be started from although no byte of it is damaged.
public enum RefusedFolder: Equatable, Sendable {
    /// No identity and no log, and the caller did not allow a new one to be made.
    case empty(folder: String)
    /// A log without an identity: the folder is not whole.
    case logWithoutIdentity(folder: String)
    /// This identity has been started before, so it had a log, and perhaps voted: the folder is not whole.
    case identityWithoutLog(folder: String)
}

/// Where the disk contradicts what was synced to it.
public struct DamageReport: Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The file is shorter or longer than it was made.
        case wrongFileSize(expected: UInt64, found: UInt64)
        /// A header, seal, identity or sector that is neither blank nor intact.
        case badChecksum
        /// Intact by its checksum, but not what belongs here.
        case inconsistent(String)
        /// Blank where synced bytes must be.
        case missingBytes
        /// A segment that the others prove to have existed.
        case missingSegment(sequence: UInt64)
    }

    /// Name of the file within the data folder.
    public var file: String
    /// Bytes from the start of the file to the damaged sector.
    public var offset: UInt64
    public var reason: Reason

    public init(file: String, offset: UInt64, reason: Reason) {
        self.file = file
        self.offset = offset
        self.reason = reason
    }

    /// A whole segment is gone.
    static func missingSegment(_ sequence: UInt64) -> DamageReport {
        DamageReport(file: Segment.name(sequence: sequence), offset: 0, reason: .missingSegment(sequence: sequence))
    }
}
