import Synchronization

/// Names to addresses. Lookups block, so they run on threads of their own, which live only while there is something to
/// look up; equal names in flight share one lookup; successes are kept for a short while. Everything is bounded.
///
/// It judges nothing: the policy does that with each answer, cached or not.
final class Resolver: Sendable {
    private typealias Waiter = CheckedContinuation<Result<[IPAddress], EgressError>, Never>

    private struct Kept {
        let addresses: [IPAddress]
        let until: ContinuousClock.Instant
    }

    private struct State {
        var kept: [String: Kept] = [:]
        /// Who waits for which name; a name is here from the first request for it until its lookup returns.
        var waiters: [String: [UInt64: Waiter]] = [:]
        /// Names whose lookup has not begun, oldest first.
        var queue: [String] = []
        var threads = 0
        var nextWaiter: UInt64 = 0
    }

    private let lookup: HostLookup
    private let limits: EgressLimits
    private let state = Mutex(State())
    private let clock = ContinuousClock()

    init(limits: EgressLimits, lookup: @escaping HostLookup) {
        self.limits = limits
        self.lookup = lookup
    }

    /// At least one address, in the order in which they should be tried. Returns after `limit` at the latest, and at
    /// once when the task is cancelled; the lookup itself cannot be stopped and ends on its own.
    func addresses(of name: String, within limit: Duration) async throws(EgressError) -> [IPAddress] {
        if let kept = keptAddresses(of: name) { return kept }
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let timer = Task {
            do { try await Task.sleep(for: limit) } catch { return }
            answer(id, of: name, .failure(.timeout(.resolve)))
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                wait(waiter, id, for: name)
                // The handler below may have run before there was a waiter to answer.
                if Task.isCancelled { answer(id, of: name, .failure(.cancelled)) }
            }
        } onCancel: {
            answer(id, of: name, .failure(.cancelled))
        }
        return try result.get()
    }

    private func keptAddresses(of name: String) -> [IPAddress]? {
        let now = clock.now
        return state.withLock { state in
            state.kept[name].flatMap { $0.until > now ? $0.addresses : nil }
        }
    }

    private func wait(_ waiter: Waiter, _ id: UInt64, for name: String) {
        enum Step { case wait, startThread, refuse }
        let step: Step = state.withLock { state in
            if state.waiters[name] != nil {
                state.waiters[name]?[id] = waiter
                return .wait
            }
            guard state.queue.count < limits.waitingResolutions else { return .refuse }
            state.waiters[name] = [id: waiter]
            state.queue.append(name)
            guard state.threads < limits.resolverThreads else { return .wait }
            state.threads += 1
            return .startThread
        }
        switch step {
        case .wait: break
        case .refuse: waiter.resume(returning: .failure(.overloaded))
        case .startThread:
            if !DedicatedThread.start("amas-resolve", { self.work() }) { giveUpThread() }
        }
    }

    private func answer(_ id: UInt64, of name: String, _ result: Result<[IPAddress], EgressError>) {
        state.withLock { $0.waiters[name]?.removeValue(forKey: id) }?.resume(returning: result)
    }

    /// The system has no thread: if none of ours runs either, nobody would ever answer those who wait.
    private func giveUpThread() {
        let stranded: [Waiter] = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [] }
            let waiters = state.waiters.values.flatMap(\.values)
            state.waiters = [:]
            state.queue = []
            return waiters
        }
        for waiter in stranded { waiter.resume(returning: .failure(.overloaded)) }
    }
}

// MARK: the threads

extension Resolver {
    private func work() {
        while let name = takeName() {
            complete(name, lookup(name))
        }
    }

    private func takeName() -> String? {
        state.withLock { state in
            guard !state.queue.isEmpty else {
                state.threads -= 1
                return nil
            }
            return state.queue.removeFirst()
        }
    }

    private func complete(_ name: String, _ answer: Result<[IPAddress], ResolutionFailure>) {
        let found = answer.flatMap { $0.isEmpty ? .failure(.notFound) : .success($0) }
        let now = clock.now
        let waiters = state.withLock { state in
            if case .success(let addresses) = found { keep(addresses, of: name, at: now, in: &state) }
            return state.waiters.removeValue(forKey: name) ?? [:]
        }
        let result = found.mapError(EgressError.resolution)
        for waiter in waiters.values { waiter.resume(returning: result) }
    }

    private func keep(_ addresses: [IPAddress], of name: String, at now: ContinuousClock.Instant, in state: inout State)
    {
        if state.kept.count >= limits.resolutionCacheEntries, state.kept[name] == nil {
            state.kept = state.kept.filter { $0.value.until > now }
            if state.kept.count >= limits.resolutionCacheEntries,
                let oldest = state.kept.min(by: { $0.value.until < $1.value.until })
            {
                state.kept[oldest.key] = nil
            }
        }
        state.kept[name] = Kept(addresses: addresses, until: now + limits.resolutionCacheLifetime)
    }
}
