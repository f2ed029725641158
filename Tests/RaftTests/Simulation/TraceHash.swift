@testable import Raft

/// FNV-1a over what happened: two runs of one seed must agree. (`Hasher` is seeded anew in every process.)
struct TraceHash: Equatable {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ number: UInt64, _ node: NodeID, _ count: Int) {
        for part in [number, node.rawValue, UInt64(count)] {
            value = (value ^ part) &* 0x0000_0100_0000_01b3
        }
    }
}
