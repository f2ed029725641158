import NIOCore
import Raft

/// Layout (little-endian): protocol versions min and max (2 + 2), node (8), incarnation (8), boot (8), machine version
/// (4), port (2), then cluster id, software version and host, each with its length (2) before it, then the index up to which the
/// node is recognized (8), which earlier versions do not send.
///
/// Bytes behind that belong to later versions of this layout and are ignored: a hello is outside the log, and nodes
/// of two releases must be able to tell each other why they do not fit.
extension Hello {
    enum DecodingError: Error, Equatable {
        case truncated
        case notUTF8
        case emptyVersionRange
    }

    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(protocolVersions.lowerBound, endianness: .little)
        buffer.writeInteger(protocolVersions.upperBound, endianness: .little)
        buffer.writeInteger(node.rawValue, endianness: .little)
        buffer.writeInteger(incarnation.rawValue, endianness: .little)
        buffer.writeInteger(boot.rawValue, endianness: .little)
        buffer.writeInteger(machineVersionMax, endianness: .little)
        buffer.writeInteger(UInt16(truncatingIfNeeded: address.port), endianness: .little)
        buffer.writeText(clusterID)
        buffer.writeText(softwareVersion)
        buffer.writeText(address.host)
        buffer.writeInteger(recognizedAt.rawValue, endianness: .little)
        return buffer
    }

    init(decoding payload: ByteBuffer) throws(DecodingError) {
        var buffer = payload
        guard let least: UInt16 = buffer.readInteger(endianness: .little),
            let greatest: UInt16 = buffer.readInteger(endianness: .little),
            let node: UInt64 = buffer.readInteger(endianness: .little),
            let incarnation: UInt64 = buffer.readInteger(endianness: .little),
            let boot: UInt64 = buffer.readInteger(endianness: .little),
            let machineVersionMax: UInt32 = buffer.readInteger(endianness: .little),
            let port: UInt16 = buffer.readInteger(endianness: .little)
        else { throw .truncated }
        guard least <= greatest else { throw .emptyVersionRange }
        let clusterID = try buffer.readText()
        let softwareVersion = try buffer.readText()
        let host = try buffer.readText()
        var recognizedAt: UInt64 = 0
        if buffer.readableBytes > 0 {
            guard let index: UInt64 = buffer.readInteger(endianness: .little) else { throw .truncated }
            recognizedAt = index
        }
        self.init(
            protocolVersions: least...greatest, clusterID: clusterID, node: NodeID(node),
            incarnation: Incarnation(incarnation), boot: BootID(boot), machineVersionMax: machineVersionMax,
            softwareVersion: softwareVersion, address: PeerAddress(host: host, port: Int(port)),
            recognizedAt: LogIndex(recognizedAt))
    }
}

extension HandshakeRefusal {
    /// Layout: reason (2), detail with its length (2) before it.
    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(reason.rawValue, endianness: .little)
        buffer.writeText(detail)
        return buffer
    }

    /// A reason that this release does not know is `other`; its detail still tells.
    init(decoding payload: ByteBuffer) throws(Hello.DecodingError) {
        var buffer = payload
        guard let code: UInt16 = buffer.readInteger(endianness: .little) else { throw .truncated }
        self.init(reason: Reason(rawValue: code) ?? .other, detail: try buffer.readText())
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ text: String) {
        let length = text.utf8.count
        precondition(length <= Int(UInt16.max), "own texts are checked when the transport starts")
        writeInteger(UInt16(length), endianness: .little)
        writeString(text)
    }

    fileprivate mutating func readText() throws(Hello.DecodingError) -> String {
        guard let length: UInt16 = readInteger(endianness: .little), let bytes = readBytes(length: Int(length)) else {
            throw .truncated
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }
}
