public import WriteAheadLog

/// Payloads for whoever must not wait for a disk: what blocks runs on a thread of its own, one after the other. Each caller waits
/// for its answer, so no more wait here than ask.
public final class PayloadReader: Sendable {
    public let store: PayloadStore
    private let requests = Mailbox<@Sendable () -> Void>()

    public init(_ store: PayloadStore) {
        self.store = store
        let requests = requests
        _ = ServerThread(name: "amas-payloads") {
            while let batch = requests.take(until: nil) {
                for request in batch { request() }
            }
        }
    }

    deinit { requests.close() }

    public func perform(_ body: @escaping @Sendable () -> Void) {
        requests.post(body)
    }
}
