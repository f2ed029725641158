import Glibc
import Synchronization

/// What happened on the server's threads, for a test to wait for.
public final class Journal<Event: Equatable & Sendable>: Sendable {
    private let state = Mutex<[Event]>([])

    public init() {}

    public func add(_ event: Event) { state.withLock { $0.append(event) } }

    public var events: [Event] { state.withLock { $0 } }

    /// True as soon as the event is there, false if it is not after this time.
    public func has(_ event: Event, within limit: Duration = .seconds(60)) async -> Bool {
        await eventually(within: limit) { self.events.contains(event) }
    }
}

/// True as soon as the condition holds, false if it does not after this time.
public func eventually(within limit: Duration = .seconds(60), _ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock().now + limit
    while !condition() {
        if ContinuousClock().now >= end { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}

/// Holds threads until it is opened.
public final class Gate: Sendable {
    private let isOpen = Atomic(false)

    public init() {}

    public func open() { isOpen.store(true, ordering: .releasing) }

    /// Blocks the calling thread, a server's own. Gives up after `seconds`.
    public func wait(seconds: Double = 60) {
        var left = Int(seconds * 1_000)
        while !isOpen.load(ordering: .acquiring), left > 0 {
            usleep(1_000)
            left -= 1
        }
    }
}
