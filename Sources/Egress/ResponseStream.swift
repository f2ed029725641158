/// What stands between libcurl's thread, which fills it, and the task that reads it: a value, so that every order of
/// events can be tested without either.
struct ResponseStream {
    enum Taken: Equatable {
        /// Nothing yet.
        case pending
        /// Bytes; `releases` says that the transfer was held and may go on.
        case chunk([UInt8], releases: Bool)
        case end
        case failed(EgressError)
    }

    enum HeadState: Equatable {
        case pending
        case arrived(ResponseHead)
        case failed(EgressError)
    }

    private let capacity: Int
    private var head: ResponseHead?
    private var buffered: [UInt8] = []
    private var end: Result<Void, EgressError>?
    private(set) var isHeld = false

    init(capacity: Int) { self.capacity = capacity }

    var bufferedBytes: Int { buffered.count }
    var isEnded: Bool { end != nil }

    mutating func receive(_ head: ResponseHead) {
        guard end == nil else { return }
        self.head = head
    }

    /// Takes the bytes and gives true, or gives false when they do not fit: then the transfer is held, and the same
    /// bytes come again once it was released. A piece larger than the capacity is taken when nothing else waits.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard end == nil else { return true }
        guard buffered.isEmpty || buffered.count + bytes.count <= capacity else {
            isHeld = true
            return false
        }
        bytes.withMemoryRebound(to: UInt8.self) { buffered.append(contentsOf: $0) }
        return true
    }

    /// The first end holds: a success after a cancellation changes nothing.
    mutating func finish(_ result: Result<Void, EgressError>) {
        guard end == nil else { return }
        end = result
        // Whoever cancelled does not want the rest.
        if case .failure(.cancelled) = result { buffered = [] }
    }

    func headState() -> HeadState {
        if let head { return .arrived(head) }
        switch end {
        case nil: return .pending
        case .failure(let error): return .failed(error)
        case .success: return .failed(.protocolViolation("the response ended before its head"))
        }
    }

    mutating func take() -> Taken {
        if !buffered.isEmpty {
            let chunk = buffered
            buffered = []
            let releases = isHeld
            isHeld = false
            return .chunk(chunk, releases: releases)
        }
        switch end {
        case nil: return .pending
        case .success: return .end
        case .failure(let error): return .failed(error)
        }
    }
}
