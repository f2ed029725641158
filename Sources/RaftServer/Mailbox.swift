import Glibc

/// A queue into a thread that waits with a deadline. Many may post; one thread takes.
///
/// It is bounded by its sources: each of them has a window of its own (bytes of a link, outstanding proposals, writes).
final class Mailbox<Element: Sendable>: @unchecked Sendable {  // Every access to the variables below holds `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Element] = []
    private var isClosed = false
    /// The owner sleeps, and somebody has to wake it.
    private var isOwnerAsleep = false

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

    /// Adds one element and wakes the owner. Returns whether it will be taken: after `close` it is dropped.
    @discardableResult
    func post(_ element: Element) -> Bool {
        let isTaken = postQuietly(element)
        wake()
        return isTaken
    }

    /// Adds one element that may wait until somebody calls `wake`: what came in one piece is taken in one piece.
    @discardableResult
    func postQuietly(_ element: Element) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if !isClosed { waiting.append(element) }
        return !isClosed
    }

    /// Wakes the owner if it sleeps and there is something for it.
    func wake() {
        pthread_mutex_lock(mutex)
        let isNeeded = isOwnerAsleep && !waiting.isEmpty
        // Once is enough: whoever posts before the owner has woken need not signal again.
        if isNeeded { isOwnerAsleep = false }
        pthread_mutex_unlock(mutex)
        if isNeeded { pthread_cond_signal(condition) }
    }

    /// Everything that has been posted; waits until there is something, or until `deadline` on the monotonic clock.
    /// Nil once the mailbox is closed and empty.
    func take(until deadline: MonotonicTime?) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { isOwnerAsleep = false }
        while waiting.isEmpty, !isClosed {
            isOwnerAsleep = true
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
    func adding(milliseconds: UInt64) -> MonotonicTime {
        MonotonicTime(microseconds: microseconds + milliseconds * 1000)
    }
    func milliseconds(since earlier: MonotonicTime) -> UInt64 {
        self > earlier ? (microseconds - earlier.microseconds) / 1000 : 0
    }
}

/// Microseconds since 1970 by the wall clock, for display and for the leader's slewing only.
func wallTimeMicroseconds() -> UInt64 {
    var moment = timespec()
    clock_gettime(CLOCK_REALTIME, &moment)
    return UInt64(moment.tv_sec) * 1_000_000 + UInt64(moment.tv_nsec) / 1000
}
