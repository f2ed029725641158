import Synchronization

/// A ``ResponseStream`` behind a lock, with the task that waits for it. Filled from libcurl's thread, read from one
/// task.
final class ResponseChannel: Sendable {
    private struct State {
        var stream: ResponseStream
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(capacity: Int) {
        state = Mutex(State(stream: ResponseStream(capacity: capacity)))
    }

    // MARK: libcurl's thread

    func deliver(_ head: ResponseHead) {
        change { $0.receive(head) }
    }

    /// False when the reader is behind and the transfer must be held.
    func deliver(_ bytes: UnsafeRawBufferPointer) -> Bool {
        change { $0.receive(bytes) }
    }

    /// From any thread; the first end holds.
    func finish(_ result: Result<Void, EgressError>) {
        change { $0.finish(result) }
    }

    var isEnded: Bool { state.withLock { $0.stream.isEnded } }

    // MARK: the reading task

    func head() async -> Result<ResponseHead, EgressError> {
        while true {
            switch state.withLock({ $0.stream.headState() }) {
            case .pending: await changed { $0.headState() == .pending }
            case .arrived(let head): return .success(head)
            case .failed(let error): return .failure(error)
            }
        }
    }

    /// The next piece, nil at the end. `release` is called when the transfer was held and there is room again.
    func next(release: () -> Void) async -> Result<[UInt8]?, EgressError> {
        while true {
            switch state.withLock({ $0.stream.take() }) {
            case .pending: await changed { $0.bufferedBytes == 0 && !$0.isEnded }
            case .chunk(let bytes, let releases):
                if releases { release() }
                return .success(bytes)
            case .end: return .success(nil)
            case .failed(let error): return .failure(error)
            }
        }
    }

    /// Returns after the next change, at once if what was waited for has come meanwhile.
    private func changed(while stillWaiting: (ResponseStream) -> Bool) async {
        await withCheckedContinuation { continuation in
            let resumesNow = state.withLock { state in
                guard stillWaiting(state.stream) else { return true }
                precondition(state.reader == nil, "a response body has one reader")
                state.reader = continuation
                return false
            }
            if resumesNow { continuation.resume() }
        }
    }

    private func change<T>(_ body: (inout ResponseStream) -> T) -> T {
        let (result, reader) = state.withLock { state in
            let result = body(&state.stream)
            let reader = state.reader
            state.reader = nil
            return (result, reader)
        }
        reader?.resume()
        return result
    }
}
