public import Raft
import SwiftProtobuf

/// Why a command cannot be proposed.
public enum CommandEncodingError: Error, Equatable, Sendable {
    /// The command's body, before compression, is larger than one may be.
    case tooLarge(bytes: Int, limit: Int)
}

/// Why a body in the log is not a command that this build can apply.
public enum CommandDecodingError: Error, Equatable, Sendable {
    /// Damaged, or no command at all. Every build sees the same.
    case malformed
    case tooLarge
    /// Made by a newer build: it must not be guessed at.
    case unknownFields
}

extension Command {
    public init(_ body: OneOf_Body) {
        self.init()
        self.body = body
    }

    /// Since when commands carry what PostgreSQL knows of tasks that have left the state.
    public static let evidenceSince: UInt32 = 3

    /// The machine version that introduced the command, or what it carries.
    public var machineVersion: UInt32 {
        switch body {
        case .submitTask(let command) where !command.evidence.isEmpty: Self.evidenceSince
        case .executeTask(let command) where !command.evidence.isEmpty || command.hasArchive: Self.evidenceSince
        case .clusterCreated, .nodeAvailable, .nodeSuspended, .nodeLeft, .sessionEnded, .setMachineVersion,
            .generationRaised, .settingsChanged, .timersDue, .submitTask, .executeTask, .cancelTask, .taskStarted,
            .stepStarted, .stepCompleted, .taskFinished, .cancelAcknowledged, .usageReported, .persisted,
            .projectionRewound, nil:
            1
        case .membersFounded, .memberAdded, .membersRemoved, .memberReplaced, .memberReincarnated,
            .nodeDrainRequested:
            2
        }
    }

    /// Reads the command that an envelope carries.
    public init(decoding envelope: Envelope, limits: Limits = .version1) throws(CommandDecodingError) {
        let length = Int(envelope.decodedBodyLength)
        guard length <= limits.commandBytes else { throw .tooLarge }
        let bytes: [UInt8]
        switch envelope.codec {
        case .raw:
            guard envelope.body.count == length else { throw .malformed }
            bytes = [UInt8](envelope.body)
        case .lz4Block:
            guard let decoded = envelope.body.withUnsafeBytes({ LZ4Block.decompress($0, length: length) })
            else { throw .malformed }
            bytes = decoded
        }
        guard let command = try? Command(serializedBytes: bytes) else { throw .malformed }
        guard !UnknownFields.exist(in: command) else { throw .unknownFields }
        guard command.body != nil else { throw .malformed }
        self = command
    }
}

extension Envelope {
    /// Wraps a command for the log. The leader stamps the times when it appends.
    ///
    /// - Parameters:
    ///   - session: nil, with sequence 0, for the commands that are idempotent by nature (`commands.proto` and the room's
    ///     page say which).
    ///   - floor: the lowest sequence of the session whose answer the proposer still waits for.
    public init(
        command: Command, session: Session?, sequence: UInt64, floor: UInt64, tenant: String,
        trace: Trace = .none, limits: Limits = .version1
    ) throws(CommandEncodingError) {
        var encoder = CanonicalEncoder()
        encoder.append(command)
        let body = encoder.bytes
        guard body.count <= limits.commandBytes else {
            throw .tooLarge(bytes: body.count, limit: limits.commandBytes)
        }
        let block =
            body.count > Envelope.compressionThresholdBytes ? body.withUnsafeBytes { LZ4Block.compress($0) } : nil
        self.init(
            machineVersion: command.machineVersion, session: session, sequence: sequence, floor: floor, tenant: tenant,
            trace: trace, codec: block == nil ? .raw : .lz4Block, decodedBodyLength: UInt32(body.count),
            body: ArraySlice(block ?? body))
    }
}
