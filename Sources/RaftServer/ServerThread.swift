import CPlatform
import Glibc

/// A thread of the server's own: what blocks on a disk or must keep time does not share the Swift concurrency pool.
final class ServerThread: Sendable {
    private let finished = Mailbox<Void>()

    /// Starts `body` at once.
    /// - Parameter realtimePriority: asks for SCHED_FIFO; where that is not permitted the thread runs as any other.
    init(name: String, realtimePriority: Int32? = nil, _ body: @escaping @Sendable () -> Void) {
        let finished = finished
        let start = Start(name: name) {
            if let realtimePriority { _ = amas_thread_set_realtime(realtimePriority) }
            body()
            finished.close()
        }
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                amas_thread_set_name(start.name)
                start.body()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(failure == 0, "the system refuses a thread: \(String(cString: strerror(failure)))")
        pthread_detach(thread)
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Waits until the body has returned. Blocks: never to be called from the Swift concurrency pool.
    func join() {
        while finished.take(until: nil) != nil {}
    }
}
