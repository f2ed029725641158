import CPlatform
import Glibc

/// A thread of the server's own: what blocks on a disk or must keep time does not share the Swift concurrency pool.
final class ServerThread: Sendable {
    private let finished = Mailbox<Void>()

    /// Starts `body` at once.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, finished: finished, body: body)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                ServerThread.run(Unmanaged<Start>.fromOpaque(argument))
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(failure == 0, "the system refuses a thread: \(String(cString: strerror(failure)))")
        pthread_detach(thread)
    }

    private final class Start: Sendable {
        let name: String
        let finished: Mailbox<Void>
        let body: @Sendable () -> Void

        init(name: String, finished: Mailbox<Void>, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.finished = finished
            self.body = body
        }
    }

    private static func run(_ argument: Unmanaged<Start>) {
        let finished = argument._withUnsafeGuaranteedRef { start in
            amas_thread_set_name(start.name)
            start.body()
            return start.finished
        }
        // First let go of what the body held, a locked folder for one: whoever joins may want it.
        argument.release()
        finished.close()
    }

    /// Waits until the body has returned and what it held is released. Blocks: never to be called from the Swift
    /// concurrency pool.
    func join() {
        while finished.take(until: nil) != nil {}
    }
}
