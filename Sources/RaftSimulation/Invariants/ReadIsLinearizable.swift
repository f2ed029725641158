import Raft

/// The index of a read covers everything that any node had committed, and so may have acknowledged, before the read began (P3,
/// P4).
enum ReadIsLinearizable {
    static func check(
        _ operation: Operation, _ index: LogIndex, on process: Process, committed: Int
    ) throws(Violation) {
        guard index.rawValue >= UInt64(operation.committedAtCall) else {
            throw Violation(
                "ReadIsLinearizable",
                "node \(process.id) reads at \(index) though \(operation.committedAtCall) was committed before")
        }
        guard index.rawValue <= UInt64(committed) else {
            throw Violation("ReadIsLinearizable", "node \(process.id) reads at \(index), which is not committed")
        }
    }
}
