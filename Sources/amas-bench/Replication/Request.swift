import Raft
import RaftServer

/// A command and its answer between the load and a member, over the frames of the peer links.
enum CommandFrame {
    static let kind = FrameKind(application: 23)
    static let commandBytes = 512

    /// Number (8), then the command.
    static func request(_ number: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 8 + commandBytes)
        write(number, to: &bytes)
        return bytes
    }

    /// Number (8), whether it was committed (8), the leader's id or 0 (8).
    static func answer(_ number: UInt64, isCommitted: Bool, leader: NodeID?) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 24)
        write(number, to: &bytes)
        bytes[8] = isCommitted ? 1 : 0
        write(leader?.rawValue ?? 0, to: &bytes, at: 16)
        return bytes
    }

    static func number(_ bytes: some RandomAccessCollection<UInt8>, at offset: Int = 0) -> UInt64 {
        bytes.dropFirst(offset).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func write(_ number: UInt64, to bytes: inout [UInt8], at offset: Int = 0) {
        for place in 0..<8 { bytes[offset + place] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(place))) }
    }
}
