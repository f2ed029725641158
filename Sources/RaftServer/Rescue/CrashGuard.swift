import CPlatform
import Logging
public import Raft

/// Applies entries so that a crash at one of them is remembered, and passes over those that an operator has ruled out.
///
/// In good times it tells the handler of crashes which batch is at work, and nothing else.
struct CrashGuard {
    private let file: CrashFile
    private var suspects: ClosedRange<LogIndex>?
    private var skipped: [LogIndex]

    /// - Parameter snapshot: the entry up to which the state is restored.
    /// - Throws: `SnapshotStore.Failure`.
    init(folder: String, snapshot: LogIndex) throws {
        let found = try CrashFile.read(folder)
        let record = found.pruned(coveredBy: snapshot)
        if record != found { try CrashFile.write(record, folder) }
        file = try CrashFile.open(folder)
        suspects = record.suspects
        skipped = record.skipped
        halt = record.obstacle.map { StateMachineHalt(rescueAt: $0) }
    }

    /// Why this node starts in rescue mode; nil if it does not.
    let halt: StateMachineHalt?

    func watchThisThread() {
        file.watchThisThread()
    }

    /// The entries in order, each that needs care alone.
    func parts(of entries: [Entry]) -> [[Entry]] {
        guard suspects != nil || !skipped.isEmpty else { return [entries] }
        var parts: [[Entry]] = []
        var isLastClosed = true
        for entry in entries {
            let needsCare = suspects?.contains(entry.index) == true || skipped.contains(entry.index)
            if needsCare || isLastClosed { parts.append([]) }
            parts[parts.count - 1].append(entry)
            isLastClosed = needsCare
        }
        return parts
    }

    /// Applies one of `parts`.
    mutating func apply<Machine: ReplicatedStateMachine>(
        _ entries: [Entry], to machine: Machine, _ logger: Logger
    ) throws(StateMachineHalt) -> [Completion<Machine.Outcome>] {
        guard let first = entries.first, let last = entries.last else { return [] }
        let completions: [Completion<Machine.Outcome>]
        amas_crash_at(first.index.rawValue, last.index.rawValue)
        defer { amas_crash_at(0, 0) }
        if skipped.contains(first.index) {
            precondition(entries.count == 1, "what is skipped is alone")
            skipped.removeAll { $0 == first.index }
            logger.critical(
                "an entry of the log is skipped, by an operator's order",
                metadata: ["index": .stringConvertible(first.index.rawValue)])
            machine.skip(first)
            completions = []
        } else {
            completions = try machine.apply(entries)
        }
        if let suspects, suspects.upperBound <= last.index { passed(last.index, logger) }
        return completions
    }

    private mutating func passed(_ index: LogIndex, _ logger: Logger) {
        suspects = nil
        do {
            try file.append("passed \(index)")
        } catch {
            // Then the crashes go on counting: at worst one more at the same entry is taken for the third.
            logger.error("a crash that is overcome could not be noted", metadata: ["error": "\(error)"])
        }
    }
}

/// What an operator can do about a node in rescue mode. Both take effect when it starts again; durable on return.
public enum Rescue {
    /// Has the node pass over the entry at which it is in rescue mode.
    /// - Throws: `ServerStartError` if that is another one or none, or the folder cannot be read or written.
    public static func skip(_ index: LogIndex, folder: String) throws(ServerStartError) {
        try attempt {
            let obstacle = try CrashFile.read(folder).obstacle
            guard obstacle == index else {
                throw ServerStartError.log(
                    obstacle.map { "this node cannot apply entry \($0), not \(index)" }
                        ?? "this node is not in rescue mode: nothing is skipped")
            }
            try CrashFile.open(folder).append("skip \(index)")
        }
    }

    /// Has the node try again, as after an upgrade.
    /// - Throws: `ServerStartError` if it has not crashed at an entry, or the folder cannot be read or written.
    public static func retry(folder: String) throws(ServerStartError) {
        try attempt {
            guard try CrashFile.read(folder).suspects != nil else {
                throw ServerStartError.log("this node has crashed at no entry of the log: nothing to retry")
            }
            try CrashFile.open(folder).append("retry")
        }
    }

    private static func attempt(_ body: () throws -> Void) throws(ServerStartError) {
        do {
            try body()
        } catch let error as ServerStartError {
            throw error
        } catch {
            throw .log("\(error)")
        }
    }
}

extension StateMachineHalt {
    init(rescueAt index: LogIndex) {
        self.init(
            reason:
                "rescue mode: applying entry \(index) of the log has ended this process \(CrashRecord.crashesBeforeRescue) "
                + "times; upgrade and run `amas rescue retry`, or have every such node pass over the entry by "
                + "`amas rescue skip \(index)`, and start again")
    }
}
