import Raft

/// What a node remembers of crashes while it applied entries, as lines of a file:
///
/// | line | written by |
/// |---|---|
/// | `crashed FIRST LAST` | the crash itself: the entries that were being applied |
/// | `passed INDEX` | the node, once it has applied the entries that it crashed at |
/// | `skip INDEX` | an operator: the entry is passed over |
/// | `retry` | an operator: the crashes so far do not count |
///
/// A process that is killed writes nothing. A line that cannot be read is one that was being written: it does not count.
struct CrashRecord: Equatable {
    /// As many crashes at one entry, one after the other, are no accident (`design/state.md` 5).
    static let crashesBeforeRescue = 3

    private(set) var skipped: [LogIndex] = []
    /// Since an entry behind the last crash was applied, the last few.
    private var crashes: [ClosedRange<LogIndex>] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { UInt64($0) }.filter { $0 > 0 }.map { LogIndex($0) }
            guard numbers.count == words.count - 1 else { continue }
            switch (words.first, numbers.count) {
            case ("crashed", 2) where numbers[0] <= numbers[1]:
                crashes = (crashes + [numbers[0]...numbers[1]]).suffix(Self.crashesBeforeRescue)
            case ("passed", 1):
                if let last = crashes.last, last.upperBound <= numbers[0] { crashes = [] }
            case ("skip", 1): if !skipped.contains(numbers[0]) { skipped.append(numbers[0]) }
            case ("retry", 0): crashes = []
            default: continue
            }
        }
    }

    /// What the last crash was about. Applied one by one, so that another crash tells exactly.
    var suspects: ClosedRange<LogIndex>? { crashes.last }

    /// The entry that keeps this node from going on; nil where it may try.
    var obstacle: LogIndex? {
        guard let last = crashes.last, last.lowerBound == last.upperBound,
            crashes.count == Self.crashesBeforeRescue, crashes.allSatisfy({ $0.contains(last.lowerBound) }),
            !skipped.contains(last.lowerBound)
        else { return nil }
        return last.lowerBound
    }

    /// Without what the snapshot at `index` makes needless.
    func pruned(coveredBy index: LogIndex) -> CrashRecord {
        var record = self
        record.skipped.removeAll { $0 <= index }
        if let last = crashes.last, last.upperBound <= index { record.crashes = [] }
        return record
    }

    var text: String {
        skipped.map { "skip \($0)\n" }.joined() + crashes.map { "crashed \($0.lowerBound) \($0.upperBound)\n" }.joined()
    }
}
