import Glibc

/// A mutex with one condition. `Synchronization.Mutex` has none, and the log thread must sleep until there is work.
///
/// The mutex inherits priority: the Raft thread runs under SCHED_FIFO and logs, and must not wait behind a thread that
/// holds the mutex but does not get a processor.
final class Monitor: @unchecked Sendable {
    // Unchecked because of the pointers alone: they are set once, and what they point to is made for use by many
    // threads.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        var mutexAttributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&mutexAttributes)
        pthread_mutexattr_setprotocol(&mutexAttributes, Int32(PTHREAD_PRIO_INHERIT))
        pthread_mutex_init(mutex, &mutexAttributes)
        pthread_mutexattr_destroy(&mutexAttributes)

        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        var conditionAttributes = pthread_condattr_t()
        pthread_condattr_init(&conditionAttributes)
        // Waiting is measured by the clock that nobody sets.
        pthread_condattr_setclock(&conditionAttributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &conditionAttributes)
        pthread_condattr_destroy(&conditionAttributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Sleeps until a broadcast; the caller holds the lock and looks again at what it waits for.
    func wait() {
        pthread_cond_wait(condition, mutex)
    }

    /// As `wait()`, but gives false once the deadline has passed.
    func wait(until deadline: timespec) -> Bool {
        var deadline = deadline
        return pthread_cond_timedwait(condition, mutex, &deadline) != ETIMEDOUT
    }

    func broadcast() {
        pthread_cond_broadcast(condition)
    }

    /// The point of the monotonic clock after `timeout`.
    static func deadline(after timeout: Duration) -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = timeout.components
        let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        return time
    }
}
