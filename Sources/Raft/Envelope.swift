/// What wraps every command in the log: who asked, when the cluster says it is, and how to read the body.
///
/// The header has a fixed layout (little-endian) so that the leader can stamp the two times into an encoded command without
/// decoding it, and so that a log can be inspected without the schema of the commands:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | format version, `Envelope.formatVersion` |
/// | 1 | 1 | kind |
/// | 2 | 1 | codec of the body |
/// | 3 | 1 | trace flags |
/// | 4 | 4 | machine version that the command needs |
/// | 8 | 8 | cluster time, microseconds, stamped by the leader |
/// | 16 | 8 | wall time, microseconds since 1970, stamped by the leader, for display only |
/// | 24 | 8 | session: node |
/// | 32 | 8 | session: boot |
/// | 40 | 8 | sequence within the session; 0 for commands outside any session |
/// | 48 | 8 | floor: the lowest sequence the session still waits for |
/// | 56 | 4 | group |
/// | 60 | 4 | length of the body when decoded |
/// | 64 | 16 | trace id |
/// | 80 | 8 | span id |
/// | 88 | 2 | length of the tenant |
/// | 90 | – | tenant (UTF-8), then the body to the end |
public struct Envelope: Equatable, Sendable {
    public static let formatVersion: UInt8 = 1
    public static let headerLength = 90
    /// Bytes above which a body is worth compressing (`design/state.md` 2).
    public static let compressionThresholdBytes = 4096
    public static let maximumTenantBytes = 128

    public enum Kind: UInt8, Sendable {
        case command = 1
    }

    /// How the body is stored. The encoder of commands chooses; this room only carries it.
    public enum Codec: UInt8, Sendable {
        case raw = 0
        case lz4Block = 1
    }

    /// The W3C trace that the command belongs to; all zero when there is none.
    public struct Trace: Equatable, Sendable {
        public var traceIDHigh: UInt64
        public var traceIDLow: UInt64
        public var spanID: UInt64
        public var flags: UInt8
        public static let none = Trace(traceIDHigh: 0, traceIDLow: 0, spanID: 0, flags: 0)

        public init(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, flags: UInt8) {
            self.traceIDHigh = traceIDHigh
            self.traceIDLow = traceIDLow
            self.spanID = spanID
            self.flags = flags
        }
    }

    /// Identifies a proposal for ever: whoever proposes it again under the same identity cannot make it act twice.
    public struct Session: Hashable, Sendable {
        public var node: NodeID
        public var boot: BootID

        public init(node: NodeID, boot: BootID) {
            self.node = node
            self.boot = boot
        }
    }

    public enum DecodingError: Error, Equatable, Sendable {
        case truncated
        case unknownFormatVersion(UInt8)
        case unknownKind(UInt8)
        case unknownCodec(UInt8)
        case invalidTenant
    }

    public var kind: Kind
    public var codec: Codec
    /// The lowest `machine_version` that applies this command with its meaning.
    public var machineVersion: UInt32
    /// Microseconds of cluster time: starts at wall time when the cluster is made and never decreases along the log.
    public var clusterTimeMicroseconds: UInt64
    public var wallTimeMicroseconds: UInt64
    /// Nil for commands that the leader proposes on its own and that are idempotent by their nature.
    public var session: Session?
    public var sequence: UInt64
    public var floor: UInt64
    public var group: UInt32
    public var trace: Trace
    public var tenant: String
    public var decodedBodyLength: UInt32
    public var body: ArraySlice<UInt8>

    public init(
        machineVersion: UInt32, session: Session?, sequence: UInt64, floor: UInt64, tenant: String,
        trace: Trace = .none,
        codec: Codec = .raw, decodedBodyLength: UInt32, body: ArraySlice<UInt8>
    ) {
        precondition(tenant.utf8.count <= Self.maximumTenantBytes, "the tenant is checked where it enters")
        precondition((session == nil) == (sequence == 0), "sequence 0 is reserved for commands outside a session")
        self.kind = .command
        self.codec = codec
        self.machineVersion = machineVersion
        self.clusterTimeMicroseconds = 0
        self.wallTimeMicroseconds = 0
        self.session = session
        self.sequence = sequence
        self.floor = floor
        self.group = 0
        self.trace = trace
        self.tenant = tenant
        self.decodedBodyLength = decodedBodyLength
        self.body = body
    }

    public func encoded() -> [UInt8] {
        let tenantBytes = tenant.utf8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerLength + tenantBytes.count + body.count)
        bytes.append(Self.formatVersion)
        bytes.append(kind.rawValue)
        bytes.append(codec.rawValue)
        bytes.append(trace.flags)
        bytes.appendLittleEndian(machineVersion)
        bytes.appendLittleEndian(clusterTimeMicroseconds)
        bytes.appendLittleEndian(wallTimeMicroseconds)
        bytes.appendLittleEndian(session?.node.rawValue ?? 0)
        bytes.appendLittleEndian(session?.boot.rawValue ?? 0)
        bytes.appendLittleEndian(sequence)
        bytes.appendLittleEndian(floor)
        bytes.appendLittleEndian(group)
        bytes.appendLittleEndian(decodedBodyLength)
        bytes.appendLittleEndian(trace.traceIDHigh)
        bytes.appendLittleEndian(trace.traceIDLow)
        bytes.appendLittleEndian(trace.spanID)
        bytes.appendLittleEndian(UInt16(tenantBytes.count))
        precondition(bytes.count == Self.headerLength, "the table above and this function agree")
        bytes.append(contentsOf: tenantBytes)
        bytes.append(contentsOf: body)
        return bytes
    }

    /// Reads an envelope; the body shares the storage of `bytes`.
    public init(decoding bytes: ArraySlice<UInt8>) throws(DecodingError) {
        guard bytes.count >= Self.headerLength else { throw .truncated }
        let start = bytes.startIndex
        guard bytes[start] == Self.formatVersion else { throw .unknownFormatVersion(bytes[start]) }
        guard let kind = Kind(rawValue: bytes[start + 1]) else { throw .unknownKind(bytes[start + 1]) }
        guard let codec = Codec(rawValue: bytes[start + 2]) else { throw .unknownCodec(bytes[start + 2]) }
        self.kind = kind
        self.codec = codec
        machineVersion = bytes.littleEndian(at: start + 4)
        clusterTimeMicroseconds = bytes.littleEndian(at: start + 8)
        wallTimeMicroseconds = bytes.littleEndian(at: start + 16)
        let node: UInt64 = bytes.littleEndian(at: start + 24)
        let boot: UInt64 = bytes.littleEndian(at: start + 32)
        sequence = bytes.littleEndian(at: start + 40)
        session = sequence == 0 ? nil : Session(node: NodeID(node), boot: BootID(boot))
        floor = bytes.littleEndian(at: start + 48)
        group = bytes.littleEndian(at: start + 56)
        decodedBodyLength = bytes.littleEndian(at: start + 60)
        trace = Trace(
            traceIDHigh: bytes.littleEndian(at: start + 64), traceIDLow: bytes.littleEndian(at: start + 72),
            spanID: bytes.littleEndian(at: start + 80), flags: bytes[start + 3])
        let tenantLength = Int(bytes.littleEndian(at: start + 88) as UInt16)
        let tenantEnd = start + Self.headerLength + tenantLength
        guard tenantEnd <= bytes.endIndex else { throw .truncated }
        guard tenantLength <= Self.maximumTenantBytes,
            let tenant = String(validating: bytes[(start + Self.headerLength)..<tenantEnd], as: UTF8.self)
        else { throw .invalidTenant }
        self.tenant = tenant
        body = bytes[tenantEnd...]
    }

    /// Writes the two times into the envelope that begins at `offset` of `bytes`. Only the leader calls it, as it appends.
    public static func stamp(
        _ bytes: inout [UInt8], at offset: Int = 0, clusterTimeMicroseconds: UInt64, wallTimeMicroseconds: UInt64
    ) {
        precondition(isEnvelope(bytes[offset...]), "only an encoded envelope is stamped")
        bytes.replaceLittleEndian(clusterTimeMicroseconds, at: offset + 8)
        bytes.replaceLittleEndian(wallTimeMicroseconds, at: offset + 16)
    }

    /// Whether the bytes begin with a header that this version can read; what follows is not looked at.
    public static func isEnvelope(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= headerLength && bytes.first == formatVersion
    }

    /// The cluster time of an encoded envelope, without decoding the rest.
    public static func clusterTimeMicroseconds(of bytes: ArraySlice<UInt8>) -> UInt64? {
        isEnvelope(bytes) ? bytes.littleEndian(at: bytes.startIndex + 8) : nil
    }
}
