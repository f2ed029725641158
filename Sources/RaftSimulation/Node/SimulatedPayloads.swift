import ClusterState
import WriteAheadLog

/// A node's payloads as its state asks for them; `Orchestration.NodePayloads` is the real one.
final class SimulatedPayloads: PayloadSource {
    private let store: PayloadStore

    init(_ store: PayloadStore) {
        self.store = store
    }

    func resident(_ digest: StateHash) -> [UInt8]? { store.resident(Self.id(digest)) }

    func read(_ digest: StateHash) throws(PayloadError) -> [UInt8] {
        do throws(PayloadStoreError) {
            return try store.read(Self.id(digest))
        } catch .missing {
            throw .gone
        } catch {
            throw .unreadable(reason: "\(error)")
        }
    }

    /// A world has one thread.
    func perform(_ body: @escaping @Sendable () -> Void) { body() }

    static func id(_ digest: StateHash) -> PayloadID {
        guard let id = PayloadID(bytes: digest.bytes) else { preconditionFailure("both are SHA-256") }
        return id
    }
}
