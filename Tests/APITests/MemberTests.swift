import ClusterState
import LoopbackClient
import Testing

@testable import API

@Suite("Changes of the members over HTTP")
struct MemberTests {
    private static let members = "/api/v1/cluster/members"

    @Test("a node that is added shows as changing until a configuration has it")
    func adding() async throws {
        try await TestNode.run { node async throws in
            let four = #"{"member_id":4,"peer_address":"127.0.0.1:7124","name":"four"}"#
            #expect(try await node.post(Self.members, four).problem == "not_ready")
            node.cluster.foundMembers(1)
            let reply = try await node.post(Self.members, four)
            #expect(reply.status == 202 && reply.json["done"]?.bool == false)
            #expect(reply.json["tolerance_before"]?.integer == 0 && reply.json["tolerance"]?.integer == 0)
            #expect(reply.json["voters"]?.integer == 1, "a second one waits for a third")
            #expect(try await node.post(Self.members, four).status == 202, "as a repeated request")
            let other = #"{"member_id":5,"peer_address":"127.0.0.1:7125"}"#
            let refused = try await node.post(Self.members, other)
            #expect(refused.status == 409 && refused.problem == "members_refused")
            #expect(try await node.get("/api/v1/cluster").json["changing"]?.array?.first?.integer == 4)
        }
    }

    @Test("what would stop the cluster is refused, with the reason")
    func quorum() async throws {
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(3)
            let removal = try await node.request("DELETE", "\(Self.members)/1")
            #expect(removal.status == 409 && removal.problem == "members_refused")
            #expect(removal.text.contains("of the 2 voters that stay, 0 can be reached and 2 are needed"))
            #expect(node.cluster.state.members.allSatisfy { $0.wanted == .voter })
        }
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(1)
            #expect(try await node.request("DELETE", "\(Self.members)/1").text.contains("no voter would be left"))
            #expect(try await node.request("DELETE", "\(Self.members)/9").status == 404)
        }
    }

    @Test("every wrong field is named")
    func fields() async throws {
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(1)
            for body in [
                #"{"peer_address":"a:1"}"#, #"{"member_id":0,"peer_address":"a:1"}"#, #"{"member_id":4}"#,
                #"{"member_id":4,"peer_address":"nowhere"}"#, #"{"member_id":4,"peer_address":"a:1","role":"king"}"#,
                #"{"member_id":4,"peer_address":"a:1","colour":"red"}"#,
            ] {
                let reply = try await node.post(Self.members, body)
                #expect(reply.status == 422 && reply.problem == "invalid", "\(body)")
            }
            let replacement = try await node.post("\(Self.members)/1/replace", #"{"incarnation":"not hex"}"#)
            #expect(replacement.status == 422)
            let transfer = try await node.post("/api/v1/cluster/transfer-leadership", #"{"member_id":2}"#)
            #expect(transfer.status == 422)
        }
    }

    @Test("a member is drained, and taken back")
    func draining() async throws {
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(1)
            #expect(try await node.post("\(Self.members)/1/drain", "").status == 200)
            #expect(node.cluster.state.members[0].record.drainRequested)
            #expect(try await node.post("\(Self.members)/1/drain", #"{"drain":false}"#).status == 200)
            #expect(!node.cluster.state.members[0].record.drainRequested)
        }
    }

    @Test("no two members have the same address or name, and who has it is said")
    func duplicates() async throws {
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(1)
            node.cluster.settle(voters: [1])
            #expect(
                try await node.post(Self.members, #"{"member_id":4,"peer_address":"127.0.0.1:7124"}"#).status == 202)
            node.cluster.settle(voters: [1], joining: [4])
            let address = try await node.post(Self.members, #"{"member_id":5,"peer_address":"127.0.0.1:7124"}"#)
            #expect(address.status == 422 && address.text.contains(#""field":"peer_address""#))
            #expect(address.text.contains("is that of member 4"))
            for name in ["node4", "n1"] {
                let body = #"{"member_id":5,"peer_address":"127.0.0.1:7125","name":"\#(name)"}"#
                let reply = try await node.post(Self.members, body)
                #expect(reply.status == 422 && reply.text.contains(#""field":"name""#))
                #expect(reply.text.contains("is that of member \(name.suffix(1))"))
            }
            node.cluster.settle(voters: [1, 4])
            let successor = #"{"member_id":5,"peer_address":"127.0.0.1:7124","name":"node4"}"#
            let replacement = try await node.post("\(Self.members)/4/replace", successor)
            #expect(replacement.status != 422, "what the member that goes has may be taken over")
            #expect(try await node.post("\(Self.members)/1/replace", successor).text.contains("is that of member 4"))
        }
    }

    @Test("a replacement that a joiner is in the way of, or of a member without a vote, says what to do instead")
    func replacementRefused() async throws {
        try await TestNode.run { node async throws in
            node.cluster.foundMembers(1)
            _ = try await node.post(Self.members, #"{"member_id":4,"peer_address":"127.0.0.1:7124"}"#)
            node.cluster.settle(voters: [1], joining: [4])
            let nine = #"{"member_id":9,"peer_address":"127.0.0.1:7129"}"#
            let voter = try await node.post("\(Self.members)/1/replace", nine)
            #expect(voter.status == 409 && voter.text.contains("member 4 is joining"))
            #expect(voter.text.contains("remove it first") && !voter.text.contains("when it has ended"))
            let joiner = try await node.post("\(Self.members)/4/replace", nine)
            #expect(joiner.status == 409 && joiner.text.contains("member 4 does not vote"))
            #expect(joiner.text.contains("remove it"))
        }
    }
}
