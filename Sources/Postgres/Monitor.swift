import Glibc

/// State under a mutex, with numbered conditions on which threads can wait. Only dedicated threads wait; a caller on the
/// Swift concurrency pool holds the mutex for a few field updates at most.
///
/// Unchecked because the state is guarded by a pthread mutex the compiler cannot see: every access is inside `withLock` or
/// `wait`. `Synchronization.Mutex` would be seen, but has no condition to wait on.
final class Monitor<State>: @unchecked Sendable {
    enum Attempt<Value> {
        case done(Value)
        /// Not yet; try again after a signal or at this time.
        case wait(until: MonotonicTime?)
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions: UnsafeMutableBufferPointer<pthread_cond_t>
    private var state: State

    init(_ state: State, conditions count: Int) {
        self.state = state
        conditions = .allocate(capacity: count)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in 0..<count {
            conditions.initializeElement(at: index, to: pthread_cond_t())
            pthread_cond_init(conditions.baseAddress! + index, &attributes)
        }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in conditions.indices {
            pthread_cond_destroy(conditions.baseAddress! + index)
        }
        pthread_mutex_destroy(mutex)
        conditions.deallocate()
        mutex.deallocate()
    }

    func withLock<Value>(_ body: (inout State) -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&state)
    }

    /// Blocks the calling thread until `attempt`, run under the lock, is done.
    func wait<Value>(on condition: Int, until attempt: (inout State) -> Attempt<Value>) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch attempt(&state) {
            case .done(let value): return value
            case .wait(nil): pthread_cond_wait(conditions.baseAddress! + condition, mutex)
            case .wait(let time?):
                var limit = time.systemTime
                pthread_cond_timedwait(conditions.baseAddress! + condition, mutex, &limit)
            }
        }
    }

    /// Wakes the one thread that waits on `condition`.
    func signal(_ condition: Int) {
        pthread_cond_signal(conditions.baseAddress! + condition)
    }
}
