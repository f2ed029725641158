/// Waiting for work that may not end.
enum Patience {
    /// True if the work ended in time. Work that did not goes on by itself: what is abandoned here may be a call that nobody can
    /// cancel.
    static func wait(_ limit: Duration, for work: @escaping @Sendable () async -> Void) async -> Bool {
        let (ends, continuation) = AsyncStream<Bool>.makeStream()
        let worker = Task {
            await work()
            continuation.yield(true)
        }
        let clock = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            continuation.yield(false)
        }
        defer { clock.cancel() }
        for await ended in ends {
            if !ended { worker.cancel() }
            return ended
        }
        return false
    }
}
