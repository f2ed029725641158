import FoundationEssentials
import Raft
import SwiftProtobuf

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
        case .reference, .uploaded:
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
        case .reference, .uploaded:
            return .invalid
        case .inline(let data):
            return isPlausible(storedLength: UInt64(data.count)) ? nil : .invalid
        }
    }

    /// Whether so many encoded bytes can be what the other fields say.
    func isPlausible(storedLength: UInt64) -> Bool {
        guard sha256.count == StateHash.byteCount else { return false }
        switch codecCode {
        case .raw: return storedLength == length
        // An LZ4 block expands at most 255 times; a claim beyond it is a lie about memory.
        case .lz4Block: return storedLength <= length && length / 255 + (length % 255 == 0 ? 0 : 1) <= storedLength
        case .UNRECOGNIZED: return false
        }
    }

    /// The encoded bytes, if they are here.
    public var inlineBytes: ArraySlice<UInt8> {
        if case .inline(let data) = content { ArraySlice(data) } else { [] }
    }

    /// The same payload, named by its digest: what is here was uploaded.
    public var asUploaded: Payload {
        var payload = self
        payload.uploaded = .with { $0.storedLength = UInt64(inlineBytes.count) }
        return payload
    }
}

enum PayloadProblem {
    case tooLarge
    case invalid
}
