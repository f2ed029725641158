import Raft
import Testing

@testable import RaftSimulation

@Suite("Invariants")
struct InvariantTests {
    private func voters(_ ids: UInt64..., outgoing: [UInt64] = []) -> Membership {
        Membership(voters: ids.map { NodeID($0) }, outgoing: outgoing.map { NodeID($0) })
    }

    @Test("configurations overlap if no two of their quorums are disjoint")
    func overlap() {
        #expect(ConfigQuorumOverlap.overlap(voters(1, 2, 3), voters(1, 2, 3)))
        #expect(ConfigQuorumOverlap.overlap(voters(1, 2, 3), voters(1, 2, 3, 4)))
        #expect(!ConfigQuorumOverlap.overlap(voters(1, 2, 3), voters(3, 4, 5)))
        // By way of a joint configuration any change is safe.
        let joint = voters(3, 4, 5, outgoing: [1, 2, 3])
        #expect(ConfigQuorumOverlap.overlap(voters(1, 2, 3), joint))
        #expect(ConfigQuorumOverlap.overlap(joint, voters(3, 4, 5)))
    }

    @Test("the model of a key knows which answers are possible")
    func model() {
        let none = TaskModel.State()
        #expect(TaskModel.step(none, .add(5), .done) == nil)
        #expect(TaskModel.step(none, .add(5), .absent) == none)
        let made = TaskModel.step(none, .create, .done)
        #expect(made == TaskModel.State(exists: true))
        let added = made.flatMap { TaskModel.step($0, .add(5), .done) }
        #expect(added?.total == 5)
        #expect(added.flatMap { TaskModel.step($0, .read, .value(none)) } == nil)
        #expect(added.flatMap { TaskModel.step($0, .add(1), .absent) } == nil)
        #expect(added.flatMap { TaskModel.step($0, .cancel, .done) }?.isCancelled == true)
    }
}
