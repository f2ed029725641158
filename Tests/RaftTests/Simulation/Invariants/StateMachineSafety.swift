@testable import Raft

/// All nodes apply the same entries at the same indices, and no proposal acts twice.
struct StateMachineSafety {
    private var placeOfCommand: [UInt64: LogIndex] = [:]

    mutating func check(_ step: ObservedStep, _ committed: CommittedImmutable) throws {
        for case .apply(let entries) in step.effects {
            for entry in entries {
                let place = Int(entry.index.rawValue) - 1
                guard place < committed.count, committed.entries[place] == entry else {
                    throw step.violation(of: "StateMachineSafety", "applies something else at \(entry.index)")
                }
                guard entry.kind == .command, entry.data.count >= 8 else { continue }
                let command: UInt64 = entry.data.littleEndian(at: entry.data.startIndex)
                if let other = placeOfCommand[command], other != entry.index {
                    throw step.violation(
                        of: "StateMachineSafety", "command \(command) acts at \(other) and \(entry.index)")
                }
                placeOfCommand[command] = entry.index
            }
        }
    }
}
