import ClusterState
import FoundationEssentials
import Raft
import WriteAheadLog

@testable import RaftServer

/// What a node's log says happened, found by applying it once more to an empty state.
struct LogReplay {
    struct DurableEvent: Hashable {
        var offset: String
        var name: String
        var task: String

        /// The channel `tasks` carries what happens to tasks, not what happens within them.
        var isOfTasksChannel: Bool { name.hasPrefix("task_") }
    }

    private(set) var state = ClusterState()
    private(set) var events: [DurableEvent] = []
    /// The state's hash after each entry.
    private(set) var hashes: [UInt64: StateHash] = [:]
    /// How often each task went from living to ended.
    private(set) var endings: [String: Int] = [:]
    /// How often each task was begun.
    private(set) var starts: [String: Int] = [:]
    /// Commands about an assignment that its task no longer had.
    private(set) var fenced = 0
    /// Commands that came more than once; they acted once.
    private(set) var duplicates = 0
    /// Commands of a run of a node that the cluster had already given up.
    private(set) var ofEndedSessions = 0

    /// - Parameter data: the data folder of a node that is down.
    init(data: String, cluster: String, node: UInt64) throws {
        let opened = try DurableLog.open(
            in: PosixLogStorage(folder: data), owner: LogOwner(clusterID: cluster, nodeID: node, group: 0),
            whenEmpty: .refuse)
        var ended: Set<String> = []
        for stored in opened.recovered.entries {
            let (index, term) = (LogIndex(stored.index), Term(stored.term))
            guard let entry = EntryPayload.decode(stored.payload, index: index, term: term) else {
                throw NeverHappened(description: "entry \(stored.index) can be read")
            }
            let applied: Applied =
                switch entry.kind {
                case .command: try state.apply(index: index, term: term, entry: entry.data)
                case .noop, .configuration: state.applyInternal(index: index, term: term)
                }
            hashes[stored.index] = applied.hash
            if applied.isDuplicate { duplicates += 1 }
            switch applied.outcome {
            case .rejected(.fenced): fenced += 1
            case .rejected(.sessionEnded): ofEndedSessions += 1
            default: break
            }
            for event in applied.events {
                events.append(
                    DurableEvent(
                        offset: event.offset.description, name: event.kind.name, task: event.record.taskID))
                if event.kind == .taskExecutionStarted { starts[event.record.taskID, default: 0] += 1 }
            }
            for key in Set(applied.changedTasks) {
                guard let task = state.task(key) else { continue }
                if task.status.isTerminal {
                    if ended.insert(key.id).inserted { endings[key.id, default: 0] += 1 }
                } else {
                    ended.remove(key.id)
                }
            }
        }
    }
}

extension ClusterProcesses {
    /// Of every node; all of them must be down.
    func replays() throws -> [LogReplay] {
        try nodes.enumerated().map { place, node in
            let folder = "\(self.folder)/nodes/\(node.name)"
            let configuration = try String(contentsOfFile: folder + "/amas.yaml", encoding: .utf8)
            let line = configuration.split(separator: "\n").first { $0.hasPrefix("  id: ") } ?? ""
            return try LogReplay(
                data: folder + "/data", cluster: String(line.dropFirst(6)), node: UInt64(place + 1))
        }
    }
}
