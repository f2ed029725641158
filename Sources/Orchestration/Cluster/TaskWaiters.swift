import ClusterState
import Synchronization

/// Those who wait for something to become true of one task.
final class TaskWaiters: Sendable {
    private struct Waiting {
        var number: UInt64
        var isMet: @Sendable (ClusterState) -> Bool
        var answer: CheckedContinuation<Void, Never>
    }

    private struct State {
        var next: UInt64 = 0
        var waiting: [TaskKey: [Waiting]] = [:]
    }

    private let state = Mutex(State())

    /// Returns once `isMet` holds of a state after a change of the task, or `milliseconds` have passed.
    func wait(
        for key: TaskKey, milliseconds: UInt64, current: @Sendable () -> ClusterState,
        until isMet: @escaping @Sendable (ClusterState) -> Bool
    ) async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        let timeout = Task {
            try? await Task.sleep(until: deadline)
            self.release(key, number)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                state.withLock {
                    $0.waiting[key, default: []].append(Waiting(number: number, isMet: isMet, answer: answer))
                }
                // What was applied, or came to its end, between the caller's look and the registration brought no notice.
                if isMet(current()) || Task.isCancelled || ContinuousClock.now >= deadline { release(key, number) }
            }
        } onCancel: {
            release(key, number)
        }
        timeout.cancel()
    }

    func notify(_ batch: AppliedBatch) {
        let met: [Waiting] = state.withLock { state in
            if state.waiting.isEmpty { return [] }
            let keys =
                batch.isRestored ? Set(state.waiting.keys) : Set(batch.applied.lazy.flatMap(\.changedTasks))
            var met: [Waiting] = []
            for key in keys {
                guard let waiting = state.waiting[key] else { continue }
                let ready = waiting.filter { $0.isMet(batch.state) }
                met.append(contentsOf: ready)
                let rest = waiting.filter { candidate in !ready.contains { $0.number == candidate.number } }
                state.waiting[key] = rest.isEmpty ? nil : rest
            }
            return met
        }
        for waiting in met { waiting.answer.resume() }
    }

    private func release(_ key: TaskKey, _ number: UInt64) {
        let found: Waiting? = state.withLock { state in
            guard let place = state.waiting[key]?.firstIndex(where: { $0.number == number }) else { return nil }
            let found = state.waiting[key]?.remove(at: place)
            if state.waiting[key]?.isEmpty == true { state.waiting[key] = nil }
            return found
        }
        found?.answer.resume()
    }
}
