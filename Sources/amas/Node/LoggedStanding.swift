import Logging
import Raft
import Synchronization

/// What this node is in the cluster, for each of its log lines: `raft_role` and `raft_term`.
final class LoggedStanding: Sendable {
    private let standing = Mutex<Standing?>(nil)

    func changed(_ new: Standing) { standing.withLock { $0 = new } }

    var metadataProvider: Logger.MetadataProvider {
        Logger.MetadataProvider { [self] in
            guard let standing = standing.withLock({ $0 }) else { return [:] }
            return ["raft_role": .string(standing.role.name), "raft_term": .stringConvertible(standing.term.rawValue)]
        }
    }
}
