import Foundation
import Raft
import Synchronization
import WriteAheadLog

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
        /// Of a long one only the name is here: the bytes are a payload.
        var value: String
        var payload: Payload?
    }

    struct Payload: Hashable, Sendable, Codable {
        var id: [UInt8]
        var length: Int
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
    /// What is longer becomes a payload.
    private let longestValue: Int
    private let payloads = Mutex<PayloadStore?>(nil)

    init(
        understands: UInt32 = 1, understandsSnapshots: UInt32? = nil, poison: String? = nil, longestValue: Int = .max
    ) {
        self.longestValue = longestValue
        self.poison = poison
        self.understands = understands
        self.understandsSnapshots = understandsSnapshots ?? understands
    }

    var current: State { state.withLock { $0 } }
    var lines: [Line] { state.withLock { $0.lines } }
    var count: Int { state.withLock { $0.lines.count } }
    var values: [String] { lines.map(\.value) }
    var clusterTimeMicroseconds: UInt64 { state.withLock { $0.clusterTime } }

    func use(_ payloads: PayloadStore) { self.payloads.withLock { $0 = payloads } }

    /// What was proposed, with the bytes that lie beside the state. Blocks on the disk.
    func wholeValues() throws -> [String] {
        let store = payloads.withLock { $0 }
        return try lines.map { line in
            guard let payload = line.payload else { return line.value }
            guard let store, let id = PayloadID(bytes: payload.id) else {
                preconditionFailure("a server gives a store")
            }
            return String(decoding: try store.read(id), as: UTF8.self)
        }
    }

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
            var payload: Payload?
            if envelope.body.count > longestValue {
                payload = Payload(id: Self.name(of: envelope.body), length: envelope.body.count)
                if let id = payload.flatMap({ PayloadID(bytes: $0.id) }) {
                    payloads.withLock { $0 }?.put(id, Array(envelope.body))
                }
            }
            let outcome = state.withLock { $0.apply(envelope, at: entry.index, payload) }
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

    /// Not a digest, but different enough: FNV-1a from four beginnings.
    private static func name(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        (0..<4).flatMap { start -> [UInt8] in
            var hash = 0xCBF2_9CE4_8422_2325 &+ UInt64(start)
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
        }
    }

    struct Image: StateImage {
        var state: State

        var payloads: [NeededPayload] {
            Set(state.lines.compactMap(\.payload)).compactMap { payload in
                PayloadID(bytes: payload.id).map { NeededPayload(id: $0, length: payload.length) }
            }.sorted { $0.id < $1.id }
        }

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
    fileprivate mutating func apply(
        _ envelope: Envelope, at index: LogIndex, _ payload: Ledger.Payload?
    ) -> Ledger.Outcome? {
        clusterTime = max(clusterTime, envelope.clusterTimeMicroseconds)
        let line = Ledger.Line(
            index: index.rawValue, clusterTime: envelope.clusterTimeMicroseconds,
            value: payload == nil ? String(decoding: envelope.body, as: UTF8.self) : "", payload: payload)
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
