import Raft

/// What travels between nodes: Raft's messages, and beside them what `RaftServer` sends (`RaftServer.FrameKind`).
enum Frame {
    case raft(Message)
    /// Proposals for the leader: each an encoded envelope.
    case proposals([[UInt8]])
    /// The leader will not append a forwarded proposal.
    case proposalRefused(BootID, sequence: UInt64)
    case readRequest(UInt64)
    /// Index zero: the answerer does not lead.
    case readAnswer(UInt64, LogIndex)
    case snapshotChunk(SnapshotChunk)
    case snapshotReceipt(LogPosition, length: Int)

    /// Raft bears any message twice. What else `RaftServer` sends rests on connections, which repeat nothing: a proposal that
    /// came twice could be refused the second time, and the proposer told that it had no effect.
    var mayBeDuplicated: Bool {
        switch self {
        case .raft, .readRequest, .readAnswer, .snapshotChunk, .snapshotReceipt: true
        case .proposals, .proposalRefused: false
        }
    }

    /// Snapshots travel on a channel of their own and do not hold up the rest.
    var isBulk: Bool {
        switch self {
        case .snapshotChunk: true
        case .raft, .proposals, .proposalRefused, .readRequest, .readAnswer, .snapshotReceipt: false
        }
    }
}

struct SnapshotChunk {
    var leaderTerm: Term
    var position: LogPosition
    var fileLength: Int
    var offset: Int
    var bytes: ArraySlice<UInt8>
}
