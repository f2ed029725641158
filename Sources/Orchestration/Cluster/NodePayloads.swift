import ClusterState
import RaftServer
import WriteAheadLog

/// The payloads of this node, as its state asks for them.
final class NodePayloads: PayloadSource {
    private let reader: PayloadReader

    init(_ store: PayloadStore) {
        reader = PayloadReader(store)
    }

    func put(_ payload: BroughtPayload) {
        reader.store.put(Self.id(payload.digest), payload.bytes)
    }

    func resident(_ digest: StateHash) -> [UInt8]? { reader.store.resident(Self.id(digest)) }

    func read(_ digest: StateHash) throws(PayloadError) -> [UInt8] {
        do throws(PayloadStoreError) {
            return try reader.store.read(Self.id(digest))
        } catch {
            switch error {
            case .missing: throw .gone
            case .storage, .damaged, .unknownFormatVersion, .closed: throw .unreadable(reason: "\(error)")
            }
        }
    }

    func perform(_ body: @escaping @Sendable () -> Void) { reader.perform(body) }

    static func id(_ digest: StateHash) -> PayloadID {
        guard let id = PayloadID(bytes: digest.bytes) else { preconditionFailure("both are SHA-256") }
        return id
    }
}
