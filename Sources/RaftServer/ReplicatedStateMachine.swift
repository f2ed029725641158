public import Raft
public import WriteAheadLog

/// What the log is applied to. The server calls it on one thread of its own, in log order, each entry once in the life of a
/// process, beginning after the snapshot it was restored from.
public protocol ReplicatedStateMachine: AnyObject, Sendable {
    /// What a proposer gets for a command of its own.
    associatedtype Outcome: Sendable

    /// Where what its entries bring besides the state belongs; called once, before everything else.
    func use(_ payloads: PayloadStore)
    /// What the log holds when the node starts, before anything of it is applied; how much is committed is not known yet.
    func recovered(_ entries: [Entry])
    /// The nodes that the cluster knows by their data folders, as far as the log is applied; the one that asks only if by its own.
    /// Nil if the machine does not follow folders.
    func recognized(asking own: NodeID, _ folder: Incarnation) -> Set<NodeID>?
    /// Up to which entry the state says that the cluster knows the node by this data folder; zero if it does not say so.
    func recognizes(_ node: NodeID, by folder: Incarnation) -> LogIndex
    /// Applies committed entries. Returns the outcome of every command that belongs to a session, a repeated one included.
    /// Throws if the node must stop: it does not understand an entry, or has been found to differ from the others.
    func apply(_ entries: [Entry]) throws(StateMachineHalt) -> [Completion<Outcome>]
    /// Passes over a committed entry that crashes whoever applies it: the state goes on as if it had been refused, and says that it
    /// was skipped, so that a member that has applied it is found to differ. A machine that keeps no position has nothing to do.
    func skip(_ entry: Entry)
    /// The state after the last applied entry, immutable and cheap to take.
    func image() -> any StateImage
    /// Replaces the state by that of a snapshot. Throws if its bytes are not what they claim to be; the state is unchanged then.
    func install(_ read: (_ maximumBytes: Int) throws -> [UInt8]) throws
    /// The time of the last applied command; the leader's clock goes on from here.
    var clusterTimeMicroseconds: UInt64 { get }
}

extension ReplicatedStateMachine {
    public func use(_ payloads: PayloadStore) {}
    public func recovered(_ entries: [Entry]) {}
    public func recognizes(_ node: NodeID, by folder: Incarnation) -> LogIndex { .zero }
    public func recognized(asking own: NodeID, _ folder: Incarnation) -> Set<NodeID>? { nil }
    public func skip(_ entry: Entry) {}
}

/// An immutable state that can be written out while the live one goes on.
public protocol StateImage: Sendable {
    /// Gives the snapshot's bytes in order, in pieces of bounded size.
    func write(to sink: (ArraySlice<UInt8>) throws -> Void) throws
    /// What the state names and does not hold, each once, in the order of the ids.
    var payloads: [NeededPayload] { get }
}

extension StateImage {
    public var payloads: [NeededPayload] { [] }
}

public struct Completion<Outcome: Sendable>: Sendable {
    public var session: Envelope.Session
    public var sequence: UInt64
    public var outcome: Outcome

    public init(session: Envelope.Session, sequence: UInt64, outcome: Outcome) {
        self.session = session
        self.sequence = sequence
        self.outcome = outcome
    }
}

/// Why a node no longer applies, serves, votes or campaigns. Its files are kept.
public struct StateMachineHalt: Error, Equatable, Sendable {
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }
}

/// Why a proposal or a read brought no outcome.
public enum RequestError: Error, Equatable, Sendable {
    /// No majority of the voters can be reached. The request may or may not take effect later.
    case noQuorum
    /// Held for the full time without an answer. The request may or may not take effect later.
    case timedOut
    /// Refused before it had any effect.
    case overloaded
    /// Refused before it had any effect: the disks of so many logs are full that what is left of them is kept for what frees work.
    case diskFull
    /// Refused before it had any effect.
    case tooLarge(limitBytes: Int)
    /// The node is stopping or has halted; what was under way may still take effect.
    case stopped(reason: String)
    /// The caller's task was cancelled and waits no longer. The request may or may not take effect later.
    case cancelled
}
