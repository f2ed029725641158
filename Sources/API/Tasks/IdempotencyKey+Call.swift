import ClusterState
import FoundationEssentials
import HTTPTypes
import SwiftProtobuf

extension IdempotencyKey {
    /// The key with its scope: the same key under another path, or of another caller, is another key.
    init(_ key: String, of call: Call) {
        self.init()
        self.key = key
        principal = call.caller.name
        route = "\(call.head.method.rawValue) \(call.path)"
        bodyDigest = Data(Digest.sha256(call.body))
    }
}
