import Testing

@testable import Raft

@Suite("Scenarios: membership")
struct MembershipScenarios {
    @Test("two newcomers catch up, then vote, in one joint step; with one the number would be even and nothing happens")
    func growth() {
        var exchange = Exchange.led(voters: 3, strangers: [4, 5])
        exchange.step(1, Raft.commands(100))
        _ = exchange.settle()
        exchange.change(at: 1, .join(4))
        _ = exchange.settle()
        exchange.beat(1)
        #expect(exchange[1].membership == Membership(voters: [1, 2, 3], joining: [4]))
        #expect(exchange[4].commitIndex == exchange[1].commitIndex)
        exchange.change(at: 1, .join(5))
        _ = exchange.settle()
        exchange.beat(1)
        for id in [1, 2, 3, 4, 5] as [NodeID] {
            #expect(exchange[id].membership == .voters(5) && exchange[id].commitIndex == exchange[1].lastLog.index)
        }
        let kinds = exchange[1].log.slice(from: 1, maximumBytes: .max).filter { $0.kind == .configuration }
        let steps = kinds.map { try? Membership(decoding: $0.data) }
        #expect(
            steps.contains(Membership(voters: [1, 2, 3, 4, 5], outgoing: [1, 2, 3])), "never without a joint step")
    }

    @Test("a gateway holds the log, is never promoted and never campaigns")
    func gateway() {
        var exchange = Exchange.led(voters: 3, strangers: [4, 5])
        exchange.change(at: 1, .addGateway(4))
        _ = exchange.settle()
        exchange.change(at: 1, .addGateway(5))
        _ = exchange.settle()
        exchange.step(1, Raft.commands(5))
        _ = exchange.settle()
        exchange.beat(1, times: 5)
        #expect(exchange[1].membership == Membership(voters: [1, 2, 3], gateways: [4, 5]))
        #expect(exchange[4].commitIndex == exchange[1].commitIndex)
        exchange.advance(byMilliseconds: 5000)
        exchange.step(4, .tick)
        #expect(exchange[4].role == .follower && exchange.underWay.isEmpty)
    }

    @Test(
        "P1: nothing changes before the leader has committed an entry of its own term, and one change is under way at a time"
    )
    func oneAtATime() {
        var leader = Raft.node(1, of: 3, term: 1, logTerms: [1])
        leader.winElection()
        var exchange = Exchange([leader])
        #expect(exchange.change(at: 1, .join(4)) == .failure(.busy))
        exchange = .led(voters: 3, strangers: [4])
        #expect(exchange.change(at: 1, .join(4)) == .success(2))
        #expect(exchange.change(at: 1, .join(5)) == .failure(.busy), "appended and not committed")
        _ = exchange.settle()
        #expect(exchange.change(at: 1, .addGateway(5)) == .success(3))
    }

    @Test("a leader leads its own leaving to the end, hands over, and is heard no more", arguments: [3, 5])
    func leaderLeaves(voters: Int) {
        var exchange = Exchange.led(voters: voters)
        exchange.change(at: 1, .remove([1]))
        _ = exchange.settle()
        let leaders = exchange.nodes.filter { $0.role == .leader }.map(\.id)
        #expect(leaders.count == 1 && leaders != [1])
        #expect(exchange[2].membership.voters == (2...UInt64(voters)).map { NodeID($0) })
        #expect(exchange[1].membership == exchange[2].membership, "it learns that it has left")
        exchange.advance(byMilliseconds: 5000)
        exchange.step(1, .tick)
        #expect(exchange.underWay.isEmpty && exchange[1].role == .follower)
    }

    @Test("one member votes instead of another, in one joint step")
    func replacement() {
        var exchange = Exchange.led(voters: 3, strangers: [4])
        exchange.change(at: 1, .join(4))
        _ = exchange.settle()
        exchange.remove(3)
        exchange.beat(1)
        exchange.change(at: 1, .replace(3, with: 4))
        _ = exchange.settle()
        #expect(exchange[4].membership == Membership(voters: [1, 2, 4]))
        #expect(exchange[1].commitIndex == exchange[1].lastLog.index)
    }

    @Test("a newcomer that lags is not promoted, and what it lacks is told")
    func lagging() {
        var exchange = Exchange.led(voters: 3)
        exchange.step(1, Raft.commands(2000))
        _ = exchange.settle()
        exchange.change(at: 1, .join(4))
        _ = exchange.settle()
        let commit = exchange[1].commitIndex.rawValue
        #expect(exchange.change(at: 1, .replace(3, with: 4)) == .failure(.hasNotCaughtUp(4, missing: commit)))
        exchange.change(at: 1, .join(5))
        _ = exchange.settle()
        exchange.beat(1, times: 5)
        #expect(exchange[1].membership == Membership(voters: [1, 2, 3], joining: [4, 5]))
    }

    @Test("a change that would leave the cluster without a quorum in touch is refused")
    func quorumAtRisk() {
        var exchange = Exchange.led(voters: 5)
        exchange.remove(4)
        exchange.remove(5)
        exchange.beat(1, times: 12)
        #expect(exchange.change(at: 1, .remove([2, 3])) == .failure(.quorumAtRisk(inTouch: 1, needed: 2)))
        #expect(exchange.change(at: 1, .remove([4, 5])) != nil)
        _ = exchange.settle()
        #expect(exchange[1].membership == .voters(3))
    }

    @Test("what makes no sense is refused, each with its reason")
    func refusals() {
        var exchange = Exchange.led(voters: 3, strangers: [4])
        #expect(exchange.change(at: 2, .join(4)) == .failure(.notLeader(leader: 1)))
        #expect(exchange.change(at: 1, .join(2)) == .failure(.isMember(2)))
        #expect(exchange.change(at: 1, .addGateway(3)) == .failure(.isMember(3)))
        #expect(exchange.change(at: 1, .promote([4])) == .failure(.isNotJoining(4)))
        #expect(exchange.change(at: 1, .remove([9])) == .failure(.isNoMember(9)))
        #expect(exchange.change(at: 1, .replace(9, with: 4)) == .failure(.isNotVoter(9)))
        #expect(exchange.change(at: 1, .rejoin(9)) == .failure(.isNotVoter(9)))
        #expect(exchange.change(at: 1, .remove([1, 2, 3])) == .failure(.noVoters))
        #expect(Membership(voters: [1, 2, 3], joining: [4]).rejection(of: .promote([4])) == .evenNumberOfVoters(4))
        let seven = Membership(voters: (1...7).map { NodeID($0) }, joining: [8, 9])
        #expect(seven.rejection(of: .promote([8, 9])) == .tooManyVoters(limit: 7))
        let full = Membership(voters: [1], gateways: (2...64).map { NodeID($0) })
        #expect(full.rejection(of: .join(65)) == .tooManyMembers(limit: 64))
        exchange.step(1, .transferLeadership(to: 2))
        #expect(exchange.change(at: 1, .join(4)) == .failure(.transferring))
    }
}

extension Membership {
    fileprivate func rejection(of change: MembershipChange) -> MembershipRejection? {
        do throws(MembershipRejection) {
            _ = try changed(by: change)
            return nil
        } catch {
            return error
        }
    }
}
