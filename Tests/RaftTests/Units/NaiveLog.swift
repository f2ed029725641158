@testable import Raft

/// The log as plainly as it can be said: everything ever appended in one array, the disk as another, durable what both begin
/// with. `EntryLog` must say the same.
struct NaiveLog {
    var memory: [Entry] = []
    var disk: [Entry] = []
    /// Writes that the disk has not finished: what each cuts, and what it adds.
    var writes: [(token: WriteToken, keep: Int, adds: [Entry])] = []
    var base = 0
    var commit = 0
    var handedOut = 0
    var applied = 0
    let initial: Membership

    var durable: Int {
        var count = 0
        while count < memory.count, count < disk.count, memory[count] == disk[count] { count += 1 }
        return count
    }

    func term(_ index: Int) -> Term? {
        if index == 0 { return base == 0 ? .zero : nil }
        return index >= base && index <= memory.count ? memory[index - 1].term : nil
    }

    func membership(at index: Int) -> Membership {
        for entry in memory.prefix(index).reversed() where entry.kind == .configuration {
            if let membership = try? Membership(decoding: entry.data) { return membership }
        }
        return initial
    }

    /// Walks down entry by entry; what is compacted is not looked at.
    func lastPosition(notAbove limit: Int, term: Term) -> Int {
        var index = min(limit, memory.count)
        while index > base, memory[index - 1].term > term { index -= 1 }
        return index
    }

    mutating func write(_ token: WriteToken, keep: Int, adds: [Entry]) {
        memory = Array(memory.prefix(keep)) + adds
        writes.append((token, keep, adds))
    }

    mutating func complete(_ token: WriteToken) {
        while let write = writes.first, write.token <= token {
            disk = Array(disk.prefix(write.keep)) + write.adds
            writes.removeFirst()
        }
    }
}
