import Glibc
import Synchronization

extension Etcd {
    /// What clients of the two members that survive notice of the leader's death or pause: milliseconds from the signal to the
    /// first answer to a put that was sent after it. They put as often as those of `TaskLoad` submit, and know whom not to ask:
    /// better than any balancer could do for them.
    func firstSuccess(after signal: Int32, clients: Int) async throws -> Double {
        let leader = try await leader()
        let watch = FirstAnswer()
        let load = Task { await put(at: members.ids.filter { $0 != leader }, clients: clients, watch) }
        defer { load.cancel() }
        try await Task.sleep(for: .milliseconds(500))
        watch.begins()
        try members.signal(leader, signal)
        for _ in 0..<5000 where watch.milliseconds == nil { try await Task.sleep(for: .milliseconds(2)) }
        if signal == SIGKILL {
            try await members.end(of: leader)
            try await members.start(leader)
        } else {
            try members.signal(leader, SIGCONT)
        }
        guard let time = watch.milliseconds else {
            throw BenchmarkFailure(description: "\(name) answered nothing for ten seconds")
        }
        return time
    }

    /// Open loop: a request that is held keeps no other from being sent.
    private func put(at survivors: [Int], clients: Int, _ watch: FirstAnswer) async {
        await withDiscardingTaskGroup { group in
            var number = 0
            while !Task.isCancelled {
                for _ in 0..<clients {
                    let member = survivors[number % survivors.count]
                    number += 1
                    group.addTask {
                        let begun = ContinuousClock.now
                        if await put(at: member, within: .seconds(10)) { watch.answered(begun) }
                    }
                }
                try? await Task.sleep(for: .milliseconds(TaskLoad.paceMilliseconds))
            }
            group.cancelAll()
        }
    }
}

/// When the first request was answered that was sent after a moment.
private final class FirstAnswer: Sendable {
    private struct State {
        var moment: ContinuousClock.Instant?
        var first: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    func begins() {
        state.withLock { $0.moment = .now }
    }

    func answered(_ begun: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        state.withLock { state in
            guard let moment = state.moment, begun > moment else { return }
            state.first = min(state.first ?? now, now)
        }
    }

    var milliseconds: Double? {
        state.withLock { state in
            guard let moment = state.moment, let first = state.first else { return nil }
            return (first - moment) / .milliseconds(1)
        }
    }
}
