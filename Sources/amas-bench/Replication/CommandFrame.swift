import Raft
import RaftServer

/// A command and its answer between the load and a member, over the frames of the peer links.
enum CommandFrame {
    static let kind = FrameKind(application: 23)
    static let commandBytes = 512

    /// Number (8), then the command.
    static func request(_ number: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 8 + commandBytes)
        write(number, to: &bytes, at: 0)
        return bytes
    }

    /// Without a command the member only tells how far it is.
    static func question(_ number: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8)
        write(number, to: &bytes, at: 0)
        return bytes
    }

    /// Number (8), whether the command was committed (8), if not the leader's id or 0 (8), the last applied index (8).
    struct Answer {
        var number: UInt64
        var isCommitted: Bool
        var leader: NodeID?
        var applied: LogIndex

        func encoded() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 32)
            write(number, to: &bytes, at: 0)
            bytes[8] = isCommitted ? 1 : 0
            write(leader?.rawValue ?? 0, to: &bytes, at: 16)
            write(applied.rawValue, to: &bytes, at: 24)
            return bytes
        }

        init(number: UInt64, isCommitted: Bool, leader: NodeID?, applied: LogIndex) {
            self.number = number
            self.isCommitted = isCommitted
            self.leader = leader
            self.applied = applied
        }

        init?(decoding bytes: some RandomAccessCollection<UInt8>) {
            guard bytes.count == 32 else { return nil }
            number = CommandFrame.number(bytes)
            isCommitted = CommandFrame.number(bytes, at: 8) == 1
            let leader = CommandFrame.number(bytes, at: 16)
            self.leader = leader == 0 ? nil : NodeID(leader)
            applied = LogIndex(CommandFrame.number(bytes, at: 24))
        }
    }

    static func number(_ bytes: some RandomAccessCollection<UInt8>, at offset: Int = 0) -> UInt64 {
        bytes.dropFirst(offset).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func write(_ number: UInt64, to bytes: inout [UInt8], at offset: Int) {
        for place in 0..<8 { bytes[offset + place] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(place))) }
    }
}
