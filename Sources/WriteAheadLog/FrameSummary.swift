/// What a frame does to entries, gathered while its records are accepted and settled when it is whole on disk.
struct FrameSummary: Equatable {
    /// Entries of earlier frames from this index on are void; nil if none are.
    private(set) var voidedFrom: UInt64?
    private(set) var hasEntries = false

    mutating func note(_ effect: LogState.Effect) {
        switch effect {
        case .none, .compacted: break
        case .appended: hasEntries = true
        case .voided(let from): voidedFrom = min(from, voidedFrom ?? from)
        case .refused: preconditionFailure("a refused record is not part of a frame")
        }
    }
}

extension [Segment] {
    /// Notes what a frame, now part of the last segment, means for the highest live entry of each. May leave the last
    /// one's too high if the frame voids its own entries, which delays its deletion and does no harm.
    mutating func settle(_ summary: FrameSummary, lastIndex: UInt64) {
        precondition(!isEmpty, "a frame is in a segment")
        if let voidedFrom = summary.voidedFrom {
            for number in indices { self[number].highestEntry.formMinimum(with: voidedFrom == 0 ? 0 : voidedFrom - 1) }
        }
        if summary.hasEntries {
            self[count - 1].highestEntry = Swift.max(self[count - 1].highestEntry, lastIndex)
        }
    }
}

extension UInt64 {
    fileprivate mutating func formMinimum(with other: UInt64) {
        self = Swift.min(self, other)
    }
}
