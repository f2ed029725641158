import Foundation
import Raft
import Synchronization

@testable import RaftServer

/// The state machine of these tests: an append-only list of what was proposed, with client sessions as `design/state.md` 10
/// wants them of every state machine here.
final class Ledger: ReplicatedStateMachine {
    struct Outcome: Hashable, Sendable, Codable {
        /// Where the value stands in the list.
        var place: Int
    }

    struct Line: Hashable, Sendable, Codable {
        var index: UInt64
        var clusterTime: UInt64
        var value: String
    }

    struct Session: Sendable, Codable {
        var floor: UInt64 = 0
        var outcomes: [UInt64: Outcome] = [:]
    }

    struct State: Sendable, Codable {
        var machineVersion: UInt32 = 1
        var lines: [Line] = []
        var sessions: [String: Session] = [:]
        var clusterTime: UInt64 = 0
        /// Commands that came again and did not act again.
        var repetitions = 0
    }

    /// The newest version of commands, and of snapshots, that this one understands.
    let understands: UInt32
    let understandsSnapshots: UInt32
    /// Whoever applies this value crashes.
    let poison: String?
    /// Held shut, nothing is applied.
    let gate = Gate()
    private let state = Mutex(State())

    init(understands: UInt32 = 1, understandsSnapshots: UInt32? = nil, poison: String? = nil) {
        self.poison = poison
        self.understands = understands
        self.understandsSnapshots = understandsSnapshots ?? understands
    }

    var current: State { state.withLock { $0 } }
    var lines: [Line] { state.withLock { $0.lines } }
    var count: Int { state.withLock { $0.lines.count } }
    var values: [String] { lines.map(\.value) }
    var clusterTimeMicroseconds: UInt64 { state.withLock { $0.clusterTime } }

    func apply(_ entries: [Entry]) throws(StateMachineHalt) -> [Completion<Outcome>] {
        gate.pass()
        var completions: [Completion<Outcome>] = []
        for entry in entries where entry.kind == .command {
            guard let envelope = try? Envelope(decoding: entry.data) else {
                throw StateMachineHalt(reason: "entry \(entry.index) cannot be read")
            }
            guard envelope.machineVersion <= understands else {
                throw StateMachineHalt(
                    reason: "entry \(entry.index) needs version \(envelope.machineVersion): upgrade me")
            }
            precondition(poison.map { !envelope.body.elementsEqual($0.utf8) } ?? true, "as apply would by a bug")
            let outcome = state.withLock { $0.apply(envelope, at: entry.index) }
            if let session = envelope.session, let outcome {
                completions.append(Completion(session: session, sequence: envelope.sequence, outcome: outcome))
            }
        }
        return completions
    }

    func image() -> any StateImage { Image(state: current) }

    func install(_ read: (Int) throws -> [UInt8]) throws {
        var bytes = Data()
        while true {
            let piece = try read(1000)
            if piece.isEmpty { break }
            bytes.append(contentsOf: piece)
        }
        let new = try JSONDecoder().decode(State.self, from: bytes)
        guard new.machineVersion <= understandsSnapshots else {
            throw StateMachineHalt(reason: "the snapshot is of version \(new.machineVersion): upgrade me")
        }
        state.withLock { $0 = new }
    }

    struct Image: StateImage {
        var state: State

        func write(to sink: (ArraySlice<UInt8>) throws -> Void) throws {
            let bytes = try JSONEncoder().encode(state)
            try sink(Array(bytes)[...])
        }
    }

    static func envelope(
        _ value: String, machineVersion: UInt32 = 1, session: Envelope.Session?, sequence: UInt64, floor: UInt64
    ) -> [UInt8] {
        Envelope(
            machineVersion: machineVersion, session: session, sequence: sequence, floor: floor, tenant: "default",
            decodedBodyLength: UInt32(value.utf8.count), body: Array(value.utf8)[...]
        ).encoded()
    }
}

extension Ledger.State {
    /// Nil for a sequence below the floor: whoever sent it has its answer.
    fileprivate mutating func apply(_ envelope: Envelope, at index: LogIndex) -> Ledger.Outcome? {
        clusterTime = max(clusterTime, envelope.clusterTimeMicroseconds)
        let line = Ledger.Line(
            index: index.rawValue, clusterTime: envelope.clusterTimeMicroseconds,
            value: String(decoding: envelope.body, as: UTF8.self))
        let outcome = Ledger.Outcome(place: lines.count)
        guard let session = envelope.session else {
            lines.append(line)
            return nil
        }
        let key = "\(session.node)/\(session.boot)"
        var known = sessions[key] ?? Ledger.Session()
        defer { sessions[key] = known }
        if envelope.floor > known.floor {
            known.floor = envelope.floor
            known.outcomes = known.outcomes.filter { $0.key >= envelope.floor }
        }
        guard envelope.sequence >= known.floor else {
            repetitions += 1
            return nil
        }
        if let before = known.outcomes[envelope.sequence] {
            repetitions += 1
            return before
        }
        known.outcomes[envelope.sequence] = outcome
        lines.append(line)
        return outcome
    }
}

/// A door that a thread waits at while it is shut.
final class Gate: Sendable {
    private let condition = NSCondition()
    private let isShut = Mutex(false)
    private let waiting = Mutex(0)

    /// Threads that stand at the door.
    var queue: Int { waiting.withLock { $0 } }

    func shut() {
        condition.lock()
        isShut.withLock { $0 = true }
        condition.unlock()
    }

    func open() {
        condition.lock()
        isShut.withLock { $0 = false }
        condition.broadcast()
        condition.unlock()
    }

    func pass() {
        condition.lock()
        waiting.withLock { $0 += 1 }
        while isShut.withLock({ $0 }) { condition.wait() }
        waiting.withLock { $0 -= 1 }
        condition.unlock()
    }
}
