import FoundationEssentials
import Raft
import SwiftProtobuf

@testable import ClusterState

extension CommandGenerator {
    /// A piece of one of a few results, mostly the next one.
    mutating func chunk(_ state: ClusterState, _ task: TaskView?) -> ResultChunk {
        var command = ResultChunk()
        command.taskID = task?.key.id ?? "t0"
        command.epoch = random.chance(95) ? task?.record.epoch ?? 1 : UInt64(random.below(500))
        command.sha256 = Data(repeating: UInt8(random.below(3)), count: random.chance(98) ? 32 : 31)
        let known = task.flatMap { task in
            StateHash(bytes: command.sha256).flatMap { state.tables.uploads[UploadKey(task: task.key, digest: $0)] }
        }
        command.offset = random.chance(90) ? known?.received ?? 0 : UInt64(random.below(100))
        command.data = Data(repeating: UInt8(random.below(4)), count: random.below(60))
        return command
    }

    /// Names a result that was uploaded for the task, mostly as it is; nil if none was.
    mutating func uploaded(_ state: ClusterState, _ task: TaskView?) -> Payload? {
        guard let task, let upload = state.uploads(of: task.key).first, random.chance(50) else { return nil }
        return .with {
            $0.length = upload.record.received
            $0.sha256 = Data(upload.key.digest.bytes)
            $0.uploaded = .with { $0.storedLength = upload.record.received + (random.chance(90) ? 0 : 1) }
        }
    }
}
