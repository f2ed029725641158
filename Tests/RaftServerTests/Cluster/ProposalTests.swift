import Raft
import RaftServer
import Testing

@testable import RaftServer

@Suite("Proposals", .serialized)
struct ProposalTests {
    @Test("accepted at any node, each acts once, in one order everywhere", arguments: [1, 3])
    func onceEverywhere(nodes: Int) async throws {
        try await TestCluster.run(nodes) { cluster in
            let load = Load()
            await load.run(8, count: 25, at: try cluster.ids.map { try cluster.server($0) })
            #expect(load.result.failed.isEmpty)
            #expect(load.acceptedCount == nodes * 8 * 25)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("over mutual TLS as well")
    func encrypted() async throws {
        try await TestCluster.run(3, tls: true) { cluster in
            let load = Load()
            await load.run(2, count: 10, at: try cluster.ids.map { try cluster.server($0) })
            #expect(load.acceptedCount == 60)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("the outcome comes when the proposer's own node has applied it, not before")
    func afterLocalApply() async throws {
        try await TestCluster.run(3) { cluster in
            let follower = try #require(try await cluster.followers().first)
            try await cluster.propose("first", at: follower)
            let (server, ledger) = (try cluster.server(follower), try cluster.ledger(follower))
            ledger.gate.shut()
            let second = Task { try await TestCluster.propose("second", at: server) }
            await condition { ledger.gate.queue == 1 }
            let others = try cluster.ids.filter { $0 != follower }.map { try cluster.ledger($0) }
            await condition { others.allSatisfy { $0.count == 2 } }
            #expect(server.outstandingProposals == 1)
            ledger.gate.open()
            #expect(try await second.value == Ledger.Outcome(place: 1))
            #expect(ledger.values == ["first", "second"])
        }
    }

    @Test("held through the death of leaders and their return: nobody at the others sees an error", arguments: [1, 2])
    func throughElections(round: Int) async throws {
        try await TestCluster.run(3) { cluster in
            let load = Load()
            let later = TaskList()
            await withTaskGroup(of: Void.self) { clients in
                let deaths = Task {
                    for death in 0..<3 {
                        let leader = try await cluster.leader()
                        let before = load.acceptedCount
                        await condition { load.acceptedCount > before + 20 }
                        await cluster.kill(leader)
                        let server = try await cluster.start(leader)
                        clientsOf(leader, death, server)
                        _ = try await cluster.leader()
                    }
                    let before = load.acceptedCount
                    await condition { load.acceptedCount > before + 20 }
                    load.end()
                }
                func clientsOf(_ id: UInt64, _ life: Int, _ server: TestCluster.Server) {
                    for client in 0..<4 { later.add { await load.client("n\(id)-\(life)-\(client)", at: server) } }
                }
                for id in cluster.ids {
                    guard let server = try? cluster.server(id) else { continue }
                    for client in 0..<4 { clients.addTask { await load.client("n\(id)-x-\(client)", at: server) } }
                }
                try? await deaths.value
            }
            await later.wait()
            let told = load.result
            #expect(told.failed.isEmpty)
            #expect(told.accepted.count > 80)
            try await cluster.expectAgreement(on: told.accepted, possibly: told.unknown)
        }
    }

    @Test("what is sent again because its fate is unknown acts once")
    func resubmitted() async throws {
        try await TestCluster.run(
            3,
            configure: {
                $0.limits.resubmitAfterMilliseconds = 1
                $0.limits.housekeepingMilliseconds = 1
            }
        ) { cluster in
            let follower = try #require(try await cluster.followers().first)
            let (server, ledger) = (try cluster.server(follower), try cluster.ledger(follower))
            ledger.gate.shut()
            let load = Load()
            let clients = Task { await load.run(10, count: 1, at: [server]) }
            // Each is in the log several times before the first outcome comes back.
            let leader = try await cluster.leader()
            let state = try cluster.ledger(leader)
            await condition { state.current.repetitions >= 20 }
            ledger.gate.open()
            await clients.value
            #expect(load.acceptedCount == 10)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("past the limit of proposals a node refuses at once, and takes more when some have their outcome")
    func outstandingLimit() async throws {
        try await TestCluster.run(1, configure: { $0.limits.outstandingProposals = 4 }) { cluster in
            let (server, ledger) = (try cluster.server(1), try cluster.ledger(1))
            try await cluster.propose("warm", at: 1)
            ledger.gate.shut()
            let load = Load()
            let clients = Task { await load.run(4, count: 1, at: [server]) }
            await condition { server.outstandingProposals == 4 }
            await #expect(throws: RequestError.overloaded) { try await cluster.propose("one too many", at: 1) }
            ledger.gate.open()
            await clients.value
            try await cluster.propose("again", at: 1)
            #expect(load.acceptedCount == 4)
            #expect(!ledger.values.contains("one too many"))
        }
    }

    @Test("past the limit of proposed bytes a node refuses at once")
    func byteLimit() async throws {
        try await TestCluster.run(1, configure: { $0.limits.outstandingProposalBytes = 1000 }) { cluster in
            let (server, ledger) = (try cluster.server(1), try cluster.ledger(1))
            try await cluster.propose("warm", at: 1)
            ledger.gate.shut()
            let large = Task { try await TestCluster.propose(String(repeating: "x", count: 1000), at: server) }
            await condition { server.outstandingProposals == 1 }
            await #expect(throws: RequestError.overloaded) { try await cluster.propose("more", at: 1) }
            ledger.gate.open()
            _ = try await large.value
            try await cluster.propose("again", at: 1)
        }
    }

    @Test("a proposal of the greatest size is taken, a greater one is refused with the limit, on any node")
    func tooLarge() async throws {
        try await TestCluster.run(3) { cluster in
            let limit = try cluster.configuration(of: 1).raft.maximumProposalBytes
            let header = Ledger.envelope("", session: nil, sequence: 0, floor: 0).count + "default".utf8.count
            let room = limit - (header - "default".utf8.count)
            _ = try await cluster.leader()
            for id in cluster.ids {
                let letter = "\(id)"
                try await cluster.propose(String(repeating: letter, count: room), at: id)
                await #expect(throws: RequestError.tooLarge(limitBytes: limit)) {
                    try await cluster.propose(String(repeating: letter, count: room + 1), at: id)
                }
            }
            let server = try cluster.server(1)
            #expect(server.outstandingProposals == 0)
        }
    }

    @Test("the leader's refusal of too much uncommitted reaches a follower's client, and nothing of it acts")
    func overloadedLeader() async throws {
        // One is always let in; what comes together with it is too much.
        try await TestCluster.run(3, configure: { $0.raft.maximumUncommittedBytes = 1 }) { cluster in
            let followers = try await cluster.followers()
            let leader = try await cluster.leader()
            let server = try cluster.server(followers[0])
            try await cluster.propose("warm", at: followers[0])
            let load = Load()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<256 { group.addTask { await load.client("\(number)", at: server, count: 1) } }
            }
            let told = load.result
            #expect(told.failed.values.allSatisfy { $0 == .overloaded })
            #expect(!told.failed.isEmpty)
            #expect(told.accepted.count + told.failed.count == 256)
            let values = Set(try cluster.ledger(leader).values)
            #expect(told.failed.keys.allSatisfy { !values.contains($0) })
        }
    }

    @Test("a command outside a session is taken from any node, and repeated by whoever needs it")
    func withoutSession() async throws {
        try await TestCluster.run(3) { cluster in
            let ledgers = try cluster.ids.map { try cluster.ledger($0) }
            for id in cluster.ids {
                let server = try cluster.server(id)
                let value = "from \(id)"
                // One may be lost, as in an election.
                await condition {
                    if ledgers.allSatisfy({ $0.values.contains(value) }) { return true }
                    server.proposeWithoutSession(Ledger.envelope(value, session: nil, sequence: 0, floor: 0))
                    return false
                }
            }
        }
    }
}
