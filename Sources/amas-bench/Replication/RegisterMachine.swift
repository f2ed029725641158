import Raft
import RaftServer
import Synchronization

/// The smallest useful replicated state: 1,024 registers of one command each, written in turn, and the sessions that keep a
/// repeated proposal from being applied twice. So that replication is what is measured.
final class RegisterMachine: ReplicatedStateMachine {
    typealias Outcome = Bool

    private struct State: Sendable {
        var registers: [[UInt8]] = Array(repeating: [], count: 1024)
        var applied: [Envelope.Session: SessionWindow] = [:]
        var writes = 0
        var clusterTimeMicroseconds: UInt64 = 0
    }

    private let state = Mutex(State())

    var clusterTimeMicroseconds: UInt64 { state.withLock { $0.clusterTimeMicroseconds } }

    func apply(_ entries: [Entry]) throws(StateMachineHalt) -> [Completion<Bool>] {
        state.withLock { state in
            var completions: [Completion<Bool>] = []
            completions.reserveCapacity(entries.count)
            for entry in entries where entry.kind == .command {
                guard let envelope = try? Envelope(decoding: entry.data[...]), let session = envelope.session else {
                    continue
                }
                state.clusterTimeMicroseconds = envelope.clusterTimeMicroseconds
                if state.applied[session, default: SessionWindow()].insert(envelope.sequence) {
                    state.registers[state.writes % state.registers.count] = Array(envelope.body)
                    state.writes += 1
                }
                completions.append(Completion(session: session, sequence: envelope.sequence, outcome: true))
            }
            return completions
        }
    }

    func image() -> any StateImage { Image(registers: state.withLock { $0.registers }) }

    /// A member that starts from a snapshot has the registers and no sessions: the load's session ends with its process, and a
    /// benchmark judges how soon a member is back, not what a repetition does.
    func install(_ read: (_ maximumBytes: Int) throws -> [UInt8]) throws {
        var registers: [[UInt8]] = []
        while true {
            let bytes = try read(CommandFrame.commandBytes)
            if bytes.isEmpty { break }
            registers.append(bytes)
        }
        registers += Array(repeating: [], count: max(0, 1024 - registers.count))
        state.withLock { $0.registers = registers }
    }

    private struct Image: StateImage {
        let registers: [[UInt8]]

        func write(to sink: (ArraySlice<UInt8>) throws -> Void) throws {
            for register in registers where !register.isEmpty { try sink(register[...]) }
        }
    }
}
