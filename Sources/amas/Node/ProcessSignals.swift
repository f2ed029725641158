import Dispatch
import Glibc

/// Waits for the signals that end a process politely. A second one ends it at once.
/// Made and waited for by one task.
final class ProcessSignals {
    private let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        sources = [SIGTERM, SIGINT].map { number in
            // The default action would end the process before the source is asked.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    /// Returns at the first signal.
    func termination() async {
        var signals = stream.makeAsyncIterator()
        guard let first = await signals.next() else { return }
        // Whoever asks twice does not want to wait.
        signal(first, SIG_DFL)
    }
}
