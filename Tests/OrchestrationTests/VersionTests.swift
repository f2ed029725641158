import ClusterState
import Raft
import RaftServer
import SwiftProtobuf
import Testing

@testable import Orchestration

/// Members of two machine versions in one cluster (`design/state.md` 1).
@Suite("Versions", .serialized)
struct ClusterVersionTests {
    private static let newerCommand = Command.OneOf_Body.resultChunk(.with { $0.taskID = "none" })

    @Test("while one member knows only an older version, nothing newer enters the log, and all apply the same")
    func mixed() async throws {
        let before = Command(Self.newerCommand).machineVersion - 1
        var options = Nodes.Options()
        options.machineVersions = [NodeID(3): before]
        try await Nodes.run(3, options: options) { nodes in
            for leader in nodes.members {
                try await nodes.makeLeader(leader)
                for member in nodes.members {
                    let key = try await nodes.submit([("step", [])], at: member)
                    try await nodes.end(of: key, at: member)
                }
                let answer = try await leader.cluster.propose(Self.newerCommand)
                #expect(answer == .rejected(.invalid(field: "machine_version")))
                leader.cluster.proposeOnce(Self.newerCommand)
            }
            for member in nodes.members {
                _ = try await member.cluster.read(.strong)
                #expect(member.cluster.halted == nil)
                #expect(member.cluster.state.machineVersion == before)
            }
            try await eventually("a quorum has the same state everywhere") {
                nodes.members.allSatisfy { $0.cluster.confirmedIndex == $0.cluster.state.index }
            }
        }
    }
}
