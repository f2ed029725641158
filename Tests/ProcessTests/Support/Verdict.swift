import ClusterState
import Testing

/// What must hold of every task that was accepted, whatever happened meanwhile; read from the nodes' logs, from
/// PostgreSQL and from what clients saw.
extension ClusterProcesses {
    /// Waits for the end of all work, takes the nodes down, and compares.
    /// - Returns: the replay of one node's log; the others are equal.
    @discardableResult
    func expectEachTaskOnce(_ load: Load, _ followers: [EventFollower]) async throws -> LogReplay {
        let accepted = load.report.accepted
        #expect(load.report.contradictions.isEmpty)
        try await waitUntilQuiet()
        for follower in followers {
            try await until("the follower sees the end of every task") {
                follower.seen.ended.isSuperset(of: accepted.keys)
            }
        }
        let (index, hashes) = try await hashesAtOneIndex()
        #expect(hashes.count == 1, "state hashes differ")

        let rows = try await query("SELECT task_id, status FROM tasks ORDER BY task_id")
        #expect(Set(rows.map { $0.split(separator: "|")[0] }).count == rows.count)
        let written = Dictionary(
            uniqueKeysWithValues: rows.map { row in
                let columns = row.split(separator: "|").map(String.init)
                return (columns[0], columns[1])
            })
        for task in accepted.keys { #expect(written[task] == "completed", "\(task) in PostgreSQL") }

        try await down()
        let replays = try replays()
        for replay in replays {
            let hash = try #require(replay.hashes[UInt64(index)])
            #expect(hashes == ["\(hash)"], "a replayed log gives another hash")
        }
        let replay = try #require(replays.first)
        for task in accepted.keys { #expect(replay.endings[task] == 1, "terminal transitions of \(task)") }
        // What nobody was told of may be there too, but nothing may be there twice.
        #expect(Set(replay.endings.values) == [1])
        let keys = accepted.values
        #expect(Set(keys).count == keys.count, "one key gave two tasks")
        // Only how far each log reaches may differ, by what was written while the nodes went down.
        for other in replays {
            expectEqual(other.events, replay.events, to: min(other.events.count, replay.events.count))
        }
        for follower in followers { expect(follower, sawAllOf: replay) }
        return replay
    }

    /// Every event of the channel from its first subscription on, in order, once.
    private func expect(_ follower: EventFollower, sawAllOf replay: LogReplay) {
        let seen = follower.seen
        #expect(seen.complaints.isEmpty)
        let first = EventPlace(seen.from ?? "")
        let all = replay.events.filter { $0.isOfTasksChannel && EventPlace($0.offset) > first }
        expectEqual(seen.events, all, to: all.count)
        #expect(seen.events.count == all.count)
    }

    /// Names the first difference; all of two long lists would be no help.
    private func expectEqual(_ left: [LogReplay.DurableEvent], _ right: [LogReplay.DurableEvent], to count: Int) {
        let difference = zip(left, right).prefix(count).first { $0 != $1 }
        #expect(difference?.0 == difference?.1)
    }
}

/// Orders offsets as nodes do; to clients they are opaque.
private struct EventPlace: Comparable {
    private let parts: [UInt64]

    init(_ offset: String) { parts = offset.split(separator: ".").map { UInt64($0) ?? 0 } }

    static func < (left: Self, right: Self) -> Bool { left.parts.lexicographicallyPrecedes(right.parts) }
}
