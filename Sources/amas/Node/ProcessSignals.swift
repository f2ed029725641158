import Dispatch
import Glibc
import Synchronization

/// The signals that ask a running node for something. The first one that asks for its end is a request; a second one ends the
/// process at once, from whatever it is doing. Made and waited for by one task.
final class ProcessSignals {
    enum Request: Equatable, Sendable {
        /// SIGTERM, SIGINT.
        case end
        /// SIGHUP.
        case reload
        /// The cluster's own wish, no signal.
        case withdraw
    }

    /// What was asked for, in order. For one reader.
    let requests: AsyncStream<Request>
    /// For requests that come from elsewhere.
    let continuation: AsyncStream<Request>.Continuation
    private let sources: [any DispatchSourceSignal]

    init() {
        let (requests, continuation) = AsyncStream<Request>.makeStream()
        (self.requests, self.continuation) = (requests, continuation)
        let endings = Endings()
        sources = [(SIGTERM, Request.end), (SIGINT, .end), (SIGHUP, .reload)].map { number, request in
            // The default action would end the process before the source is asked.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                // Whoever asks twice does not want to wait. The code is the shell's for a process that a signal ended.
                if request == .end, endings.isSecond() { _exit(128 + number) }
                continuation.yield(request)
            }
            source.resume()
            return source
        }
    }

    private final class Endings: Sendable {
        private let count = Atomic<Int>(0)
        func isSecond() -> Bool { count.wrappingAdd(1, ordering: .relaxed).oldValue > 0 }
    }
}
