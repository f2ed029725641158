import Testing
import WriteAheadLog

/// Uses a log at random beside its naive twin, and knows at every moment what a recovery may find: all that was synced,
/// and, while a call is under way, what that call would have added.
final class LogDriver {
    let disk: VirtualDisk
    private(set) var generator: SeededGenerator
    private var log: DurableLog?
    private var durable = NaiveLog()
    private var pending = NaiveLog()
    private(set) var allowed: [NaiveLog] = [NaiveLog()]
    private(set) var lastBoot: UInt64 = 0
    private(set) var syncs = 0
    private(set) var deletedSegments = 0

    init(disk: VirtualDisk, seed: UInt64) {
        self.disk = disk
        generator = SeededGenerator(seed: seed)
    }

    /// Opens the log and checks what it recovers.
    func open() throws {
        log = nil
        let opened = try TestLog.open(disk)
        let found = NaiveLog(opened.recovered)
        try #require(allowed.contains(found), "the recovery gives what was synced and nothing unheard of")
        try #require(opened.identity.boot > lastBoot, "a later run has a greater number")
        lastBoot = opened.identity.boot
        log = opened.log
        (durable, pending, allowed) = (found, found, [found])
    }

    /// Whether the process died on the way.
    @discardableResult
    func runUntilDeath(steps: Int) throws -> Bool {
        do {
            try open()
            try run(steps: steps)
            return false
        } catch let error as WriteAheadLogError {
            guard case .failed(let cause) = error, cause.code == VirtualDisk.deadProcess else { throw error }
            return true
        }
    }

    func run(steps: Int) throws {
        for _ in 0..<steps { try step() }
    }

    private func step() throws {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: try compact()
        case 1: try prepareSpare()
        case 2: try open()
        case 3: try append()
        default:
            try append()
            try sync()
        }
    }

    private func append() throws {
        let log = try #require(log)
        var records: [LogRecord] = []
        var next = pending
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let record = next.randomRecord(
                maximumPayloadBytes: TestLog.limits.maximumPayloadBytes, using: &generator)
            next.apply(record)
            records.append(record)
        }
        for record in records.prefix(try log.append(records[...])) { pending.apply(record) }
    }

    private func sync() throws {
        allowed = [durable, pending]
        try #require(log).sync()
        durable = pending
        allowed = [durable]
        syncs += 1
    }

    private func compact() throws {
        guard let snapshot = durable.snapshot, snapshot.index >= durable.base.index else { return }
        let index = UInt64.random(in: durable.base.index...snapshot.index, using: &generator)
        guard let term = durable.term(at: index) else { return }
        let position = LogRecord.Position(index: index, term: term)
        var compacted = durable
        compacted.compact(through: position)
        allowed = [durable, compacted]
        let deleted = try #require(log).compact(through: position)
        if deleted > 0 {
            durable = compacted
            if position.index > pending.base.index { pending.compact(through: position) }
        }
        allowed = [durable]
        deletedSegments += deleted
    }

    private func prepareSpare() throws {
        let log = try #require(log)
        guard let preparation = log.sparePreparation() else { return }
        let result = preparation.run()
        log.finishSparePreparation(result)
        _ = try result.get()
    }
}
