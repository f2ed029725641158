import Testing

@testable import WriteAheadLog

@Suite("The order of records")
struct OrderTests {
    private func state(after records: [LogRecord]) -> LogState {
        var state = LogState()
        for record in records {
            if case .refused(let reason) = state.accept(record) { Issue.record("\(record): \(reason)") }
        }
        return state
    }

    private func expectRefused(_ record: LogRecord, after records: [LogRecord]) {
        var state = state(after: records)
        let before = state
        guard case .refused = state.accept(record) else {
            Issue.record("\(record) was accepted after \(records)")
            return
        }
        #expect(state == before, "a refused record changes nothing")
    }

    private let vote = LogRecord.vote(term: 3, votedFor: 0)

    @Test("entries follow each other without a gap")
    func entries() {
        expectRefused(TestLog.entry(2), after: [vote])
        expectRefused(TestLog.entry(1), after: [vote, TestLog.entry(1)])
        expectRefused(TestLog.entry(0), after: [vote])
    }

    @Test("no entry comes before the vote record of its term (P7), and terms never fall")
    func terms() {
        expectRefused(TestLog.entry(1), after: [])
        expectRefused(TestLog.entry(1, term: 4), after: [vote])
        expectRefused(TestLog.entry(2, term: 1), after: [vote, TestLog.entry(1, term: 2)])
        expectRefused(TestLog.entry(1, term: 0), after: [vote])
        expectRefused(.snapshot(index: 5, term: 4), after: [vote])
    }

    @Test("a term has one vote, which never changes, and never falls")
    func votes() {
        expectRefused(.vote(term: 2, votedFor: 0), after: [vote])
        expectRefused(.vote(term: 3, votedFor: 2), after: [vote, .vote(term: 3, votedFor: 1)])
        expectRefused(.vote(term: 3, votedFor: 0), after: [vote, .vote(term: 3, votedFor: 1)])
        _ = state(after: [vote, .vote(term: 3, votedFor: 1), .vote(term: 3, votedFor: 1), .vote(term: 4, votedFor: 2)])
    }

    @Test("a truncation stays above the snapshot and within the log")
    func truncations() {
        let entries = [vote] + (1...5).map { TestLog.entry($0) }
        expectRefused(.truncate(from: 0), after: entries)
        expectRefused(.truncate(from: 7), after: entries)
        expectRefused(.truncate(from: 3), after: entries + [.snapshot(index: 3, term: 1)])
        #expect(state(after: entries + [.truncate(from: 6)]).lastIndex == 5)
        #expect(state(after: entries + [.truncate(from: 1)]).lastIndex == 0)
    }

    @Test("snapshots go forward, agree with the entries, and replace the log where they lie past it")
    func snapshots() {
        let entries = [vote] + (1...5).map { TestLog.entry($0) }
        expectRefused(.snapshot(index: 2, term: 1), after: entries + [.snapshot(index: 3, term: 1)])
        expectRefused(.snapshot(index: 5, term: 2), after: entries)
        expectRefused(.snapshot(index: 0, term: 0), after: entries)
        let replaced = state(after: entries + [.snapshot(index: 9, term: 2)])
        #expect(replaced.base == .init(index: 9, term: 2))
        #expect(replaced.lastIndex == 9)
        let marked = state(after: entries + [.snapshot(index: 3, term: 1)])
        #expect(marked.base == .origin)
        #expect(marked.lastIndex == 5)
    }

    @Test("a record out of order never reaches the disk: the process ends")
    func trap() async {
        await #expect(processExitsWith: .failure) {
            let log = try TestLog.open(VirtualDisk()).log
            _ = try log.append([TestLog.entry(1)])
        }
    }
}
