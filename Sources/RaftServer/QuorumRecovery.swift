import Logging
public import Raft
import WriteAheadLog

/// Makes a member that is left alone the only voter, when the majority is lost for good. Everything that only the others had is
/// gone; were they to come back, they would go on beside it, so they must never run again with the folders that they have.
///
/// The node must not run. It goes on as the leader of itself: what its log holds counts as committed.
public struct QuorumRecovery: Sendable {
    /// The members by the node's own log.
    public var membership: Membership
    /// The end of its log. Of several survivors the one with the higher term, then the higher index, has lost the least.
    public var last: LogPosition

    /// Reads the folder and brings the machine to the end of the log. As at any start, a boot is counted and a torn end cut off;
    /// otherwise the log stays as it is. Blocks.
    /// - Throws: `ServerStartError` if the folder cannot be read, or the node runs.
    public static func inspect(
        _ configuration: RaftServerConfiguration, machine: some ReplicatedStateMachine
    ) throws(ServerStartError) -> QuorumRecovery {
        try Recovered(configuration, machine).report
    }

    /// Writes a configuration with this node alone, then the commands, in a new term. Durable on return. Blocks.
    /// - Parameter commands: encoded envelopes for the machine as it is at the end of the log; stamped here.
    /// - Throws: `ServerStartError` if the folder cannot be read or written, the node runs, or it is no voter.
    public static func run<Machine: ReplicatedStateMachine>(
        _ configuration: RaftServerConfiguration, machine: Machine, commands: (Machine) -> [[UInt8]]
    ) throws(ServerStartError) -> QuorumRecovery {
        let recovered = try Recovered(configuration, machine)
        let report = recovered.report
        guard report.membership.isVoter(configuration.node) else {
            throw .log("node \(configuration.node) is no voter: only a voter's log can be the cluster's")
        }
        let term = max(recovered.term, report.last.term).next
        let alone = Membership(voters: [configuration.node])
        var records = [LogRecord.vote(term: term.rawValue, votedFor: configuration.node.rawValue)]
        var index = report.last.index
        func append(_ kind: Entry.Kind, _ data: [UInt8]) {
            index = index.next
            let entry = Entry(index: index, term: term, kind: kind, data: data[...])
            records.append(
                .entry(index: index.rawValue, term: term.rawValue, payload: EntryPayload.encode(entry)[...]))
        }
        append(.configuration, alone.encoded())
        for var command in commands(machine) {
            Envelope.stamp(
                &command, clusterTimeMicroseconds: machine.clusterTimeMicroseconds,
                wallTimeMicroseconds: wallTimeMicroseconds())
            append(.command, command)
        }
        do throws(WriteAheadLogError) {
            _ = try recovered.log.append(records[...])
            try recovered.log.sync()
        } catch {
            throw .log(error.description)
        }
        return report
    }

    private struct Recovered {
        let log: DurableLog
        let term: Term
        let report: QuorumRecovery

        init(_ configuration: RaftServerConfiguration, _ machine: some ReplicatedStateMachine) throws(ServerStartError)
        {
            let recovery = try ServerRecovery.run(configuration, machine: machine)
            let restored = recovery.restored
            let ahead = restored.entries.filter { $0.index > restored.snapshot.position.index }
            var crashes = recovery.crashes
            if let halt = crashes.halt { throw .log(halt.reason) }
            do throws(StateMachineHalt) {
                for part in crashes.parts(of: ahead) {
                    _ = try crashes.apply(part, to: machine, Logger(label: "amas"))
                }
            } catch {
                throw .log(error.reason)
            }
            let identity = recovery.identity
            let known = machine.recognized(asking: identity.node, identity.incarnation)
            if restored.isNewcomer, !(known?.contains(identity.node) ?? true) {
                throw .log(
                    "the log of node \(identity.node) ends before the cluster took in its folder: it could not lead, "
                        + "and another survivor has more")
            }
            let latest = restored.entries.last { $0.kind == .configuration }
            log = recovery.log.take()
            term = restored.hardState.term
            report = QuorumRecovery(
                membership: latest.flatMap { try? Membership(decoding: $0.data) } ?? restored.snapshot.membership,
                last: restored.entries.last.map { LogPosition(index: $0.index, term: $0.term) } ?? restored.base)
        }
    }
}
