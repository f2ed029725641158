import CPlatform
import NIOCore
import Raft

/// What a frame carries. 0...15 are the transport's own; an application's kinds are 16...255.
public struct FrameKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public static let firstApplicationKind: UInt8 = 16

    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A kind of the application. The kinds are constants of the program, so a reserved one is a programming error.
    public init(application rawValue: UInt8) {
        precondition(rawValue >= Self.firstApplicationKind, "kinds below 16 belong to the transport")
        self.rawValue = rawValue
    }

    var isApplication: Bool { rawValue >= Self.firstApplicationKind }
    public var description: String { "\(rawValue)" }

    static let hello = FrameKind(rawValue: 1)
    static let refusal = FrameKind(rawValue: 2)
    static let ping = FrameKind(rawValue: 3)
    static let pong = FrameKind(rawValue: 4)
}

/// What the receiver cannot go on from: there is no way to find the next frame, so the connection ends.
enum FrameError: Error, Equatable {
    case unknownFormatVersion(UInt8)
    case unknownFlags(UInt16)
    case otherGroup(UInt32)
    case tooLarge(bytes: Int, limit: Int)
    case checksumMissing
    case checksumMismatch
    case unexpectedKind(FrameKind)
}

/// The fixed beginning of every frame, little-endian:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | length of the payload |
/// | 4 | 1 | format version, 1 |
/// | 5 | 1 | kind |
/// | 6 | 2 | flags: 1 checksummed, 2 bulk; others are refused, because a flag changes how a payload is read |
/// | 8 | 4 | group id, 0 until there are several Raft groups |
/// | 12 | 4 | CRC32C of the 12 bytes before it and the payload if flagged (links without TLS), else 0 |
struct FrameHeader: Equatable {
    static let byteCount = 16
    static let formatVersion: UInt8 = 1
    static let group: UInt32 = 0
    private static let checksummedBytes = 12

    struct Flags: OptionSet {
        var rawValue: UInt16
        static let checksummed = Flags(rawValue: 1)
        static let bulk = Flags(rawValue: 2)
        static let known: Flags = [.checksummed, .bulk]
    }

    var payloadBytes: Int
    var kind: FrameKind
    var flags: Flags
    var checksum: UInt32

    /// The header of `payload`. `withChecksum` on connections that TLS does not protect.
    init(kind: FrameKind, payload: UnsafeRawBufferPointer, isBulk: Bool, withChecksum: Bool) {
        precondition(payload.count <= Int(UInt32.max), "the sender has checked the frame limit")
        payloadBytes = payload.count
        self.kind = kind
        flags = isBulk ? .bulk : []
        checksum = 0
        if withChecksum {
            flags.insert(.checksummed)
            checksum = computedChecksum(payload)
        }
    }

    /// Reads a header and checks all of it that does not need the payload.
    init(
        reading bytes: UnsafeRawBufferPointer, maximumPayloadBytes: Int, checksumRequired: Bool
    ) throws(FrameError) {
        precondition(bytes.count >= Self.byteCount, "the caller has waited for the whole header")
        let version = bytes[4]
        guard version == Self.formatVersion else { throw .unknownFormatVersion(version) }
        let rawFlags: UInt16 = Self.load(bytes, 6)
        guard Flags(rawValue: rawFlags).isSubset(of: .known) else { throw .unknownFlags(rawFlags) }
        let group: UInt32 = Self.load(bytes, 8)
        guard group == Self.group else { throw .otherGroup(group) }
        payloadBytes = Int(Self.load(bytes, 0) as UInt32)
        guard payloadBytes <= maximumPayloadBytes else {
            throw .tooLarge(bytes: payloadBytes, limit: maximumPayloadBytes)
        }
        kind = FrameKind(rawValue: bytes[5])
        flags = Flags(rawValue: rawFlags)
        checksum = Self.load(bytes, 12)
        guard flags.contains(.checksummed) || !checksumRequired else { throw .checksumMissing }
    }

    func verify(_ payload: UnsafeRawBufferPointer) throws(FrameError) {
        guard flags.contains(.checksummed) else { return }
        guard computedChecksum(payload) == checksum else { throw .checksumMismatch }
    }

    /// Calls `body` with the 16 bytes as they go onto the wire.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: words) { body($0) }
    }

    /// The header as two words; fields in the order of the table from the lowest byte up.
    private var words: (UInt64, UInt64) {
        let first =
            UInt64(UInt32(payloadBytes)) | UInt64(Self.formatVersion) << 32 | UInt64(kind.rawValue) << 40
            | UInt64(flags.rawValue) << 48
        return (first.littleEndian, (UInt64(Self.group) | UInt64(checksum) << 32).littleEndian)
    }

    private func computedChecksum(_ payload: UnsafeRawBufferPointer) -> UInt32 {
        let ofHeader = withBytes { amas_crc32c(0, $0.baseAddress, Self.checksummedBytes) }
        return amas_crc32c(ofHeader, payload.baseAddress, payload.count)
    }

    private static func load<Value: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Value {
        Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}
