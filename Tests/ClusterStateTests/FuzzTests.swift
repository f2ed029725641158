import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("Apply is total, deterministic and consistent")
struct FuzzTests {
    /// Small bounds, so that each is met all the time.
    static var tightLimits: Limits {
        var limits = Limits()
        limits.timersPerEntry = 4
        limits.movesPerEntry = 3
        limits.assignmentsPerEntry = 3
        limits.evictionsPerEntry = 2
        limits.forgottenRowsPerEntry = 6
        limits.rewoundRowsPerEntry = 10
        limits.nodes = 5
        limits.sessionWindow = 24
        limits.persistedTasksPerCommand = 20
        limits.evictionBuckets = 7
        limits.inlinePayloadBytes = 8
        return limits
    }

    @Test(
        "random commands on reachable states: same hash on two replicas, every invariant after each entry",
        arguments: Fuzz.seeds(1...6))
    func everyEntry(seed: UInt64) throws {
        try run(seed: seed, entries: 600 * Fuzz.factor, checkingEach: 1, restoringEach: 100)
    }

    @Test("a hundred thousand random commands never trap", arguments: Fuzz.seeds(101...108))
    func long(seed: UInt64) throws {
        try run(seed: seed, entries: 12_500 * Fuzz.factor, checkingEach: 500, restoringEach: 2_500)
    }

    /// The first replica sees every entry. The second is a restored snapshot that follows for as long as `following`
    /// entries: so what it computed anew from the tables is compared with what the first kept up to date.
    private func run(seed: UInt64, entries: Int, checkingEach: Int, restoringEach: Int, following: Int = 300) throws {
        var random = Random(seed: seed)
        var generator = CommandGenerator(seed: seed &* 31)
        var one = ClusterState(limits: Self.tightLimits)
        var two: ClusterState?
        var seen = Sightings()
        var kept = KeptPayloads()
        for step in 0..<entries {
            let entry = generator.next(for: one)
            let evicted = one.totals.evictions
            let known = one.tables.tasks.count
            let context = "AMAS_FUZZ_SEED=\(seed) step \(step) index \(one.index.next)"
            let configuration = random.chance(1) ? generator.membership(for: one) : nil
            let isSkipped = random.chance(1)
            let first = Self.apply(
                entry, or: configuration, isSkipped: isSkipped, term: generator.term, to: &one)
            if var replica = two.take() {
                let second = Self.apply(
                    entry, or: configuration, isSkipped: isSkipped, term: generator.term, to: &replica)
                guard Self.agree(first, second), one.hash == replica.hash else {
                    Issue.record("replicas disagree: \(context)")
                    return
                }
                two = replica
            }
            if let applied = try? first.get() {
                seen.note(applied)
                kept.take(applied)
                if case .task(let key, _) = applied.outcome, let record = one.tables.tasks[key], !applied.isDuplicate,
                    record.createdRevision < record.persistedRevision, one.tables.tasks.count == known + 1,
                    one.totals.evictions == evicted
                {
                    seen.revivals += 1
                }
                if !Self.isBounded(applied) { Issue.record("an entry did too much: \(context)") }
            } else {
                seen.stops += 1
            }
            if step % checkingEach == 0 {
                Invariants.check(one, context)
                kept.check(one, context)
            }
            if step % restoringEach == 0 { two = try restored(one, context) }
            if step % restoringEach == following { two = nil }
        }
        Invariants.check(one, "AMAS_FUZZ_SEED=\(seed) at the end")
        kept.check(one, "AMAS_FUZZ_SEED=\(seed) at the end")
        if entries >= 5_000 { #expect(kept.most > 0, "no payload lay beside the state") }
        _ = try restored(one, "AMAS_FUZZ_SEED=\(seed) at the end")
        seen.expectEnoughWork(entries: entries, seed: seed)
    }

    private static func apply(
        _ entry: [UInt8], or membership: Membership?, isSkipped: Bool, term: Term, to state: inout ClusterState
    ) -> Result<Applied, UpgradeRequired> {
        let index = state.index.next
        if isSkipped { return .success(state.skip(index: index, term: term)) }
        if let membership {
            return .success(state.applyInternal(index: index, term: term, membership: membership))
        }
        do throws(UpgradeRequired) {
            return .success(try state.apply(index: index, term: term, entry: entry[...]))
        } catch {
            return .failure(error)
        }
    }

    private static func agree(_ one: Result<Applied, UpgradeRequired>, _ two: Result<Applied, UpgradeRequired>) -> Bool
    {
        switch (one, two) {
        case (.success(let one), .success(let two)):
            // Events are rows of a table: the hash, which is compared too, covers them.
            one.outcome == two.outcome && one.assignments == two.assignments && one.isDuplicate == two.isDuplicate
                && one.changedTasks == two.changedTasks && one.events.count == two.events.count
                && one.payloads.map(\.digest) == two.payloads.map(\.digest)
        case (.failure(let one), .failure(let two)):
            one == two
        case (.success, .failure), (.failure, .success):
            false
        }
    }

    private static func isBounded(_ applied: Applied) -> Bool {
        applied.assigned.count <= tightLimits.assignmentsPerEntry
            && applied.released.count <= tightLimits.movesPerEntry + tightLimits.timersPerEntry
    }

    /// What a run has met. A run that meets little proves little.
    struct Sightings {
        var stops = 0
        /// Tasks that came back after they had left.
        var revivals = 0
        private var accepted = 0
        private var names: Set<String> = []

        mutating func note(_ applied: Applied) {
            switch applied.outcome {
            case .done, .task: accepted += 1
            case .replayed: names.insert("replayed")
            case .rejected(let rejection): names.insert(String("\(rejection)".prefix { $0 != "(" }))
            }
            if applied.isDuplicate { names.insert("duplicate") }
            names.formUnion(applied.eventNames)
            for event in applied.events {
                if let reason = event.record.failure.reason { names.insert(reason.name) }
            }
            if !applied.released.isEmpty { names.insert("released") }
        }

        func expectEnoughWork(entries: Int, seed: UInt64) {
            #expect(
                accepted > entries / 4 && stops < entries / 10, "seed \(seed): \(accepted) accepted, \(stops) stops")
            guard entries >= 5_000 else { return }
            #expect(revivals > 0, "seed \(seed): no task came back")
            let missing = Self.expected.subtracting(names).sorted()
            #expect(missing.isEmpty, "seed \(seed) never met \(missing)")
        }

        static let expected: Set<String> = [
            "replayed", "duplicate", "released", "malformed", "clusterExists", "invalid", "tooLarge", "overloaded",
            "idempotencyConflict", "unknownTask", "unknownNode", "unknownIncarnation",
            "unknownDependency", "unknownStep", "alreadyExists", "evicted", "wrongState", "stepAlreadyCompleted",
            "fenced", "stale", "sessionEnded", "outcomeForgotten", "windowExceeded", "notAllNodesReady",
            "changeInFlight",
            "task_created", "task_execution_started", "agent_started", "agent_completed", "agent_failed",
            "task_completed", "task_failed", "task_cancelled", "member_changed", "deadline", "max_attempts", "poison",
            "dependency_failed", "agents_failed",
        ]
    }

    private func restored(_ state: ClusterState, _ context: String) throws -> ClusterState {
        var writer = SnapshotWriter(state)
        var reader = SnapshotReader(limits: Self.tightLimits)
        while let chunk = writer.next() { try reader.append(chunk) }
        let restored = try reader.finish()
        try #require(restored.hash == state.hash && restored.canonicalDigest() == state.canonicalDigest(), "\(context)")
        Invariants.check(restored, "restored, \(context)")
        return restored
    }
}
