import Glibc

/// A queue into a thread that waits with a deadline. Many may post; one thread takes.
///
/// It is bounded by its sources: each of them has a window of its own (messages in flight, outstanding proposals, writes).
final class Mailbox<Element: Sendable>: @unchecked Sendable {  // Every access to `waiting` and `isClosed` holds `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Element] = []
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Adds one element. After `close` it is dropped, and the answer is false.
    @discardableResult
    func post(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        let (wasEmpty, isOpen) = (waiting.isEmpty, !isClosed)
        if isOpen { waiting.append(element) }
        pthread_mutex_unlock(mutex)
        if wasEmpty { pthread_cond_signal(condition) }
        return isOpen
    }

    /// Everything that has been posted; waits until there is something, or until `deadline` on the monotonic clock.
    /// Nil once the mailbox is closed and empty.
    func take(until deadline: MonotonicTime?) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waiting.isEmpty, !isClosed {
            guard let deadline else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            var moment = timespec(
                tv_sec: Int(deadline.microseconds / 1_000_000), tv_nsec: Int(deadline.microseconds % 1_000_000) * 1000)
            if pthread_cond_timedwait(condition, mutex, &moment) == ETIMEDOUT { break }
        }
        if waiting.isEmpty { return isClosed ? nil : [] }
        let taken = waiting
        waiting = []
        return taken
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(condition)
    }
}

/// A moment on the machine's monotonic clock.
struct MonotonicTime: Comparable, Sendable {
    var microseconds: UInt64

    static var now: MonotonicTime {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        return MonotonicTime(microseconds: UInt64(moment.tv_sec) * 1_000_000 + UInt64(moment.tv_nsec) / 1000)
    }

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.microseconds < right.microseconds }
    func adding(milliseconds: UInt64) -> MonotonicTime { MonotonicTime(microseconds: microseconds + milliseconds * 1000) }
}

/// Microseconds since 1970 by the wall clock, for display and for the leader's slewing only.
func wallTimeMicroseconds() -> UInt64 {
    var moment = timespec()
    clock_gettime(CLOCK_REALTIME, &moment)
    return UInt64(moment.tv_sec) * 1_000_000 + UInt64(moment.tv_nsec) / 1000
}
