import FoundationEssentials
import Raft

/// Why a payload's bytes cannot be had.
public enum PayloadError: Error, Equatable, Sendable {
    /// The bytes lie in a payload segment, not in the payload.
    case notInline
    /// The bytes are no longer kept: a later state does not name them. A fresh state knows why.
    case gone
    /// The bytes are on the disk, and the reader must not wait for it.
    case notResident
    /// The disk does not give the bytes.
    case unreadable(reason: String)
    /// The codec, the length or the content does not fit together.
    case damaged
}

extension Payload {
    /// Takes the bytes in: digests them, and compresses them above the envelope's threshold where that helps.
    public init(bytes: some Collection<UInt8>) {
        let raw = [UInt8](bytes)
        self.init()
        length = UInt64(raw.count)
        sha256 = Data(SHA256.hash(raw).bytes)
        if raw.count > Envelope.compressionThresholdBytes, let block = raw.withUnsafeBytes({ LZ4Block.compress($0) }) {
            codecCode = .lz4Block
            inline = Data(block)
        } else {
            inline = Data(raw)
        }
    }

    /// The bytes as they were given.
    public func decoded() throws(PayloadError) -> [UInt8] {
        switch content {
        case nil:
            guard length == 0 else { throw .damaged }
            return []
        case .reference:
            throw .notInline
        case .inline(let data):
            switch codecCode {
            case .raw:
                guard UInt64(data.count) == length else { throw .damaged }
                return [UInt8](data)
            case .lz4Block:
                guard let count = Int(exactly: length),
                    let bytes = data.withUnsafeBytes({ LZ4Block.decompress($0, length: count) })
                else { throw .damaged }
                return bytes
            case .UNRECOGNIZED:
                throw .damaged
            }
        }
    }

    public var isEmpty: Bool { length == 0 }

    /// What apply demands of a payload in a command: inline, of a known codec, with a digest, within `limit` once decoded.
    /// It does not decode: that would make every node pay for what only readers need.
    func problem(limit: UInt64) -> PayloadProblem? {
        guard length <= limit else { return .tooLarge }
        switch content {
        case nil:
            return length == 0 ? nil : .invalid
        case .reference:
            return .invalid
        case .inline(let data):
            guard sha256.count == StateHash.byteCount else { return .invalid }
            switch codecCode {
            case .raw: return UInt64(data.count) == length ? nil : .invalid
            // An LZ4 block expands at most 255 times; a claim beyond it is a lie about memory.
            case .lz4Block: return UInt64(data.count) <= length && length <= UInt64(data.count) * 255 ? nil : .invalid
            case .UNRECOGNIZED: return .invalid
            }
        }
    }
}

enum PayloadProblem {
    case tooLarge
    case invalid
}
