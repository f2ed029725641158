import Testing

@testable import Raft

@Suite("EntryLog")
struct EntryLogTests {
    @Test("agrees with a naive log after every one of many random operations", arguments: Seeds.list(60))
    func model(seed: UInt64) {
        var run = Run(seed: seed)
        for _ in 0..<300 {
            run.operate()
            if let difference = run.difference() {
                Issue.record("\(difference); \(Seeds.replay(seed, "EntryLogTests"))")
                return
            }
        }
    }

    @Test("P9: the completion of a write whose entries were cut proves nothing about those that took their place")
    func overlappingWrites() {
        var log = EntryLog(
            snapshot: SnapshotDescriptor(position: .zero, membership: .voters(3)), entriesFrom: .zero, entries: [])
        for index: LogIndex in [1, 2, 3] { log.append(.command(index, 1)) }
        log.writeStarted(WriteToken(rawValue: 1), at: .zero)
        log.truncate(from: 2)
        for index: LogIndex in [2, 3] { log.append(.command(index, 2)) }
        log.writeStarted(WriteToken(rawValue: 2), at: .zero)
        log.truncate(from: 2)
        for index: LogIndex in [2, 3] { log.append(.command(index, 3)) }
        log.writeStarted(WriteToken(rawValue: 3), at: .zero)
        log.writeCompleted(WriteToken(rawValue: 1))
        #expect(log.durable == 1)
        log.writeCompleted(WriteToken(rawValue: 2))
        #expect(log.durable == 1)
        log.writeCompleted(WriteToken(rawValue: 3))
        #expect(log.durable == 3)
    }

    @Test("a slice holds at least one entry, and as many as fit")
    func slices() {
        var log = EntryLog(
            snapshot: SnapshotDescriptor(position: .zero, membership: .voters(1)), entriesFrom: .zero, entries: [])
        for index: UInt64 in 1...5 { log.append(.command(LogIndex(index), 1, bytes: 68)) }
        #expect(log.slice(from: 2, maximumBytes: 1).map(\.index) == [2])
        #expect(log.slice(from: 2, maximumBytes: 199).map(\.index) == [2])
        #expect(log.slice(from: 2, maximumBytes: 200).map(\.index) == [2, 3])
        #expect(log.slice(from: 2, maximumBytes: 10_000).map(\.index) == [2, 3, 4, 5])
        #expect(log.slice(from: 6, maximumBytes: 10_000).isEmpty)
    }

    @Test("no more is handed to the state machine than the limits of entries and bytes allow")
    func applyLimits() {
        var log = EntryLog(
            snapshot: SnapshotDescriptor(position: .zero, membership: .voters(1)), entriesFrom: .zero,
            entries: (1...10).map { .command(LogIndex($0), 1, bytes: 68) })
        log.commit(to: 10)
        #expect(log.takeApplicable(maximumEntries: 3, maximumBytes: 10_000).count == 3)
        #expect(log.takeApplicable(maximumEntries: 3, maximumBytes: 10_000).isEmpty)
        log.applied(through: 1)
        #expect(log.takeApplicable(maximumEntries: 3, maximumBytes: 10_000).map(\.index) == [4])
        log.applied(through: 4)
        #expect(log.takeApplicable(maximumEntries: 100, maximumBytes: 150).map(\.index) == [5, 6])
        #expect(log.takeApplicable(maximumEntries: 100, maximumBytes: 150).isEmpty)
    }
}

extension EntryLogTests {
    /// The two logs side by side, and the operations that are legal next.
    private struct Run {
        var log: EntryLog
        var naive: NaiveLog
        var random: SeededRandom
        var token = WriteToken.none
        var term = Term(1)

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            naive = NaiveLog(initial: .voters(3))
            log = EntryLog(
                snapshot: SnapshotDescriptor(position: .zero, membership: .voters(3)), entriesFrom: .zero, entries: [])
        }

        mutating func operate() {
            switch random.number(0...9) {
            case 0...2: write(cutting: false)
            case 3: write(cutting: true)
            case 4, 5: complete()
            case 6: commit()
            case 7: takeAndApply()
            case 8: compact()
            default: if random.chance(100) { reset() } else { commit() }
            }
        }

        private mutating func write(cutting: Bool) {
            var keep = naive.memory.count
            if cutting, keep > naive.commit {
                keep = random.number(naive.commit...(keep - 1))
                log.truncate(from: LogIndex(UInt64(keep + 1)))
                term = term.next
            }
            var adds: [Entry] = []
            for _ in 0..<random.number(0...4) {
                let index = LogIndex(UInt64(keep + adds.count + 1))
                let isChange = random.chance(150)
                let entry: Entry =
                    isChange
                    ? .configuration(index, term, .voters(random.number(1...5)))
                    : .command(index, term, bytes: random.number(0...40))
                adds.append(entry)
                log.append(entry)
            }
            token = token.next
            log.writeStarted(token, at: .zero)
            naive.write(token, keep: keep, adds: adds)
            if random.chance(200) { term = term.next }
        }

        private mutating func complete() {
            guard let oldest = naive.writes.first?.token, let newest = naive.writes.last?.token else { return }
            let upTo = WriteToken(rawValue: random.milliseconds(oldest.rawValue...newest.rawValue))
            log.writeCompleted(upTo)
            naive.complete(upTo)
        }

        private mutating func commit() {
            let index = random.number(0...naive.memory.count)
            log.commit(to: LogIndex(UInt64(index)))
            naive.commit = max(naive.commit, index)
        }

        private mutating func takeAndApply() {
            let limit = random.number(1...8)
            let taken = log.takeApplicable(maximumEntries: limit, maximumBytes: .max)
            let end = max(naive.handedOut, min(naive.commit, naive.durable, naive.applied + limit))
            precondition(taken == Array(naive.memory[naive.handedOut..<end]), "the entries between, in order")
            naive.handedOut = end
            let applied = random.number(naive.applied...naive.handedOut)
            log.applied(through: LogIndex(UInt64(applied)))
            naive.applied = applied
        }

        private mutating func compact() {
            let index = random.number(0...naive.applied)
            log.compact(through: LogIndex(UInt64(index)))
            naive.base = max(naive.base, index)
        }

        /// A snapshot from a leader replaces the log; the naive one keeps entries for what is in the snapshot.
        private mutating func reset() {
            let index = naive.commit + random.number(1...5)
            term = term.next
            let old = naive.membership(at: naive.commit)
            var entries = Array(naive.memory.prefix(naive.commit))
            while entries.count < index { entries.append(.command(LogIndex(UInt64(entries.count + 1)), term)) }
            log.reset(to: SnapshotDescriptor(position: .at(LogIndex(UInt64(index)), term), membership: old))
            naive.memory = entries
            naive.disk = entries
            naive.writes = []
            (naive.base, naive.commit, naive.handedOut, naive.applied) = (index, index, index, index)
        }

        /// What the two disagree about, if anything.
        mutating func difference() -> String? {
            let last = naive.memory.count
            if log.last.index.rawValue != UInt64(last) { return "last \(log.last) is not \(last)" }
            if log.durable.rawValue != UInt64(naive.durable) { return "durable \(log.durable) is not \(naive.durable)" }
            if log.commit.rawValue != UInt64(naive.commit) { return "commit \(log.commit) is not \(naive.commit)" }
            if log.count != last - naive.base { return "\(log.count) entries in memory" }
            for index in 0...(last + 1) where log.term(at: LogIndex(UInt64(index))) != naive.term(index) {
                return "term at \(index)"
            }
            if log.membership != naive.membership(at: last) { return "membership in force" }
            let someIndex = random.number(naive.base...last)
            if log.membership(at: LogIndex(UInt64(someIndex))) != naive.membership(at: someIndex) {
                return "membership at \(someIndex)"
            }
            let limit = random.number(naive.base...(last + 2))
            let asked = Term(random.milliseconds(0...term.rawValue))
            let found = log.lastPosition(notAbove: LogIndex(UInt64(limit)), term: asked)
            if found.index.rawValue != UInt64(naive.lastPosition(notAbove: limit, term: asked)) {
                return "last position not above \(limit) of term \(asked)"
            }
            let expected = naive.memory[someIndex...].reduce(0) { $0 + $1.sizeInBytes }
            if log.bytes(after: LogIndex(UInt64(someIndex)), through: log.last.index) != expected { return "bytes" }
            return nil
        }
    }
}
