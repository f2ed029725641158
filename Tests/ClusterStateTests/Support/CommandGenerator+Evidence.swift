import Raft
import SwiftProtobuf

@testable import ClusterState

/// Evidence as PostgreSQL would give it, now or earlier, and some that nothing would give.
extension CommandGenerator {
    mutating func evidence(on view: TaskView, _ state: ClusterState) -> TaskEvidence {
        var evidence = TaskEvidence()
        evidence.taskID = view.key.id
        evidence.status = view.status
        evidence.revision = view.revision.rawValue
        evidence.readThrough = state.projectedThrough.rawValue
        if random.chance(15) { evidence.readThrough = random.next() >> UInt64(random.below(64)) }
        if random.chance(5) { evidence.revision = random.next() >> UInt64(random.below(64)) }
        if random.chance(5) { evidence.statusCode = TaskStatusCode(rawValue: random.below(300)) ?? .unspecified }
        if random.chance(3) { evidence.taskID = "nobody" }
        return evidence
    }

    mutating func prove(_ view: TaskView, _ command: inout ExecuteTask, _ state: ClusterState) {
        if random.chance(95) { command.taskID = view.key.id }
        command.evidence = [evidence(on: view, state)]
        for id in view.spec.dependsOn where random.chance(50) {
            command.evidence.append(evidence(on: view, state))
            command.evidence[command.evidence.count - 1].taskID = id
        }
        if random.chance(5) { return }
        command.archive.spec = view.spec
        command.archive.attempt = random.chance(95) ? view.record.attempt : UInt32.max - UInt32(random.below(3))
        command.archive.createdRevision = random.chance(95) ? view.record.createdRevision : random.next()
        command.archive.createdWall = random.chance(95) ? view.record.createdWall : random.next()
        command.archive.costMicroUsd = random.chance(95) ? view.record.costMicroUsd : .max
        command.archive.inputTokens = random.chance(95) ? view.record.inputTokens : .max
        if random.chance(3) { command.archive.spec.dependsOn = [view.key.id] }
        if random.chance(2) { command.archive.spec = TaskSpec() }
    }
}
