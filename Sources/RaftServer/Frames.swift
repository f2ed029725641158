import NIOCore
import Raft

/// What travels between servers beside Raft's own messages. The transport carries the group in its header.
extension FrameKind {
    static let raft = FrameKind(application: 16)
    /// Proposals for the leader: each an encoded envelope.
    static let proposals = FrameKind(application: 17)
    /// The leader will not append a forwarded proposal.
    static let proposalRefused = FrameKind(application: 18)
    static let readRequest = FrameKind(application: 19)
    static let readAnswer = FrameKind(application: 20)
    static let snapshotChunk = FrameKind(application: 21)
    static let snapshotReceipt = FrameKind(application: 22)
    /// For the rooms above: delivered to them as it is, without a promise of arrival.
    static let ephemeral = FrameKind(application: 23)
}

/// Proposals in one frame: count (4), then length (4) and bytes of each.
enum ForwardedProposals {
    static func encode(_ proposals: ArraySlice<[UInt8]>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(proposals.reduce(4) { $0 + 4 + $1.count })
        bytes.appendLittleEndian(UInt32(proposals.count))
        for proposal in proposals {
            bytes.appendLittleEndian(UInt32(proposal.count))
            bytes.append(contentsOf: proposal)
        }
        return bytes
    }

    /// The ranges of the proposals within the frame, or nil if it is malformed.
    static func ranges(in bytes: [UInt8]) -> [Range<Int>]? {
        guard bytes.count >= 4 else { return nil }
        let count = Int(bytes[...].littleEndian(at: 0) as UInt32)
        guard count <= bytes.count / 4 else { return nil }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        var offset = 4
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { return nil }
            let length = Int(bytes[...].littleEndian(at: offset) as UInt32)
            offset += 4
            guard offset + length <= bytes.count, Envelope.isEnvelope(bytes[offset..<(offset + length)]) else {
                return nil
            }
            ranges.append(offset..<(offset + length))
            offset += length
        }
        return offset == bytes.count ? ranges : nil
    }
}

/// "This submission of sequence so-and-so of your session: no, and it had no effect": boot (8), sequence (8), limit in bytes (8),
/// 0 for overload. The boot is named because the node may have been started anew since, and counts its sequences from 1 again.
struct ProposalRefusal: Equatable {
    var boot: BootID
    var sequence: UInt64
    var limitBytes: UInt64

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(boot.rawValue)
        bytes.appendLittleEndian(sequence)
        bytes.appendLittleEndian(limitBytes)
        return bytes
    }

    init(boot: BootID, sequence: UInt64, limitBytes: UInt64) {
        self.boot = boot
        self.sequence = sequence
        self.limitBytes = limitBytes
    }

    init?(decoding bytes: [UInt8]) {
        guard bytes.count == 24 else { return nil }
        boot = BootID(bytes[...].littleEndian(at: 0))
        sequence = bytes[...].littleEndian(at: 8)
        limitBytes = bytes[...].littleEndian(at: 16)
    }
}

/// How much of a snapshot file the receiver has: index (8) and term (8) of the snapshot, bytes (8).
struct SnapshotReceipt: Equatable {
    var position: LogPosition
    var length: Int

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(position.index.rawValue)
        bytes.appendLittleEndian(position.term.rawValue)
        bytes.appendLittleEndian(UInt64(length))
        return bytes
    }

    init(position: LogPosition, length: Int) {
        self.position = position
        self.length = length
    }

    init?(decoding bytes: [UInt8]) {
        guard bytes.count == 24 else { return nil }
        position = LogPosition(
            index: LogIndex(bytes[...].littleEndian(at: 0)), term: Term(bytes[...].littleEndian(at: 8)))
        length = Int(clamping: bytes[...].littleEndian(at: 16) as UInt64)
    }
}

/// A read's number (8) and, in an answer, its index (8); zero in an answer says that the answerer does not lead.
struct ReadFrame: Equatable {
    var number: UInt64
    var index: LogIndex

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(number)
        bytes.appendLittleEndian(index.rawValue)
        return bytes
    }

    init(number: UInt64, index: LogIndex) {
        self.number = number
        self.index = index
    }

    init?(decoding bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        number = bytes[...].littleEndian(at: 0)
        index = LogIndex(bytes[...].littleEndian(at: 8))
    }
}
