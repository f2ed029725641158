import Testing

@testable import ClusterState

/// Keeps what entries bring as long as the state names it, and never longer: the least that a node must do.
struct KeptPayloads {
    private var bytes: [StateHash: [UInt8]] = [:]
    private(set) var most = 0

    mutating func take(_ applied: Applied) {
        for payload in applied.payloads {
            #expect(SHA256.hash(payload.bytes) == payload.digest)
            bytes[payload.digest] = payload.bytes
        }
    }

    /// Lets go of what the state does not name. What it names must be here.
    mutating func check(_ state: ClusterState, _ context: @autoclosure () -> String) {
        let named = state.payloads
        for (digest, length) in named where UInt64(bytes[digest]?.count ?? 0) != length {
            Issue.record("\(context()): the state names \(digest), which nobody has brought")
        }
        let digests = Set(named.map(\.digest))
        bytes = bytes.filter { digests.contains($0.key) }
        most = max(most, bytes.count)
    }
}

/// A node's payloads in memory.
final class MemoryPayloads: PayloadSource, @unchecked Sendable {  // Each test uses its own, from one thread.
    var bytes: [StateHash: [UInt8]] = [:]

    func take(_ applied: Applied) {
        for payload in applied.payloads { bytes[payload.digest] = payload.bytes }
    }

    func resident(_ digest: StateHash) -> [UInt8]? { nil }

    func read(_ digest: StateHash) throws(PayloadError) -> [UInt8] {
        guard let bytes = bytes[digest] else { throw .gone }
        return bytes
    }

    func perform(_ body: @escaping @Sendable () -> Void) { body() }
}
