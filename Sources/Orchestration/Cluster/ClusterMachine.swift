import ClusterState
import Raft
import RaftServer
import Synchronization
import WriteAheadLog

/// The outcome of a command; the protocol has an associated type of the same name.
typealias StateOutcome = Outcome

/// The replicated state as the machine that the log is applied to. Applies on the server's thread; everybody else reads the
/// root that was published last.
final class ClusterMachine: ReplicatedStateMachine {
    typealias Outcome = StateOutcome

    private let published: Mutex<ClusterState>
    private let observers: Observers
    private let history = HashHistory()
    private let registered: Mutex<RegisteredFolders>
    private let payloads = Mutex<NodePayloads?>(nil)

    init(observers: Observers, initial: ClusterState = ClusterState()) {
        published = Mutex(initial)
        registered = Mutex(RegisteredFolders(initial, []))
        self.observers = observers
    }

    var state: ClusterState { published.withLock { $0 } }
    var clusterTimeMicroseconds: UInt64 { state.now.microseconds }

    /// The state's hash after the entry at `index`, if that is not too long ago.
    func hash(at index: LogIndex) -> StateHash? { history.hash(at: index) }

    func use(_ store: PayloadStore) {
        let source = NodePayloads(store)
        payloads.withLock { $0 = source }
        published.withLock { $0.payloadSource = source }
    }

    func recovered(_ entries: [Entry]) {
        let folders = RegisteredFolders(state, entries)
        registered.withLock { $0 = folders }
    }

    /// Whether a node takes part with this folder. One that starts votes before it knows what is committed, and has to know for
    /// whom.
    func verdict(on peer: Hello, isConfigured: Bool) -> FolderVerdict {
        let state = state
        return registered.withLock {
            $0.verdict(
                on: peer.node, with: peer.incarnation, recognizedAt: peer.recognizedAt, state,
                isConfigured: isConfigured)
        }
    }

    func recognizes(_ node: NodeID, by folder: Incarnation) -> LogIndex { state.recognizes(node, by: folder) }

    func recognized(asking own: NodeID, _ folder: Incarnation) -> Set<NodeID>? {
        let state = state
        return registered.withLock { $0.recognized(asking: own, folder, state) }
    }

    func apply(_ entries: [Entry]) throws(StateMachineHalt) -> [Completion<Outcome>] {
        var state = state
        var applied: [Applied] = []
        var completions: [Completion<Outcome>] = []
        applied.reserveCapacity(entries.count)
        for entry in entries {
            let result: Applied
            switch entry.kind {
            case .command:
                do throws(UpgradeRequired) {
                    result = try state.apply(index: entry.index, term: entry.term, entry: entry.data)
                } catch {
                    publish(state, applied)
                    throw StateMachineHalt(
                        reason:
                            "entry \(error.index) needs machine version \(error.machineVersion.map { "\($0)" } ?? "a later one"), and this node applies \(state.supportedVersion): upgrade this node"
                    )
                }
            case .noop:
                result = state.applyInternal(index: entry.index, term: entry.term)
            case .configuration:
                result = state.applyInternal(
                    index: entry.index, term: entry.term, membership: try? Membership(decoding: entry.data))
            }
            keep(result.payloads)
            applied.append(result)
            if let session = result.session {
                completions.append(
                    Completion(session: session, sequence: result.sequence, outcome: result.outcome))
            }
        }
        publish(state, applied)
        return completions
    }

    /// Before the state that names them is published.
    private func keep(_ brought: [BroughtPayload]) {
        guard !brought.isEmpty else { return }
        guard let payloads = payloads.withLock({ $0 }) else {
            preconditionFailure("a server gives its machine a store")
        }
        for payload in brought { payloads.put(payload) }
    }

    func skip(_ entry: Entry) {
        var state = state
        let applied = state.skip(index: entry.index, term: entry.term)
        publish(state, [applied])
    }

    private func publish(_ state: ClusterState, _ applied: [Applied]) {
        published.withLock { $0 = state }
        history.append(applied)
        observers.notify(AppliedBatch(state: state, applied: applied, isRestored: false))
    }

    func image() -> any StateImage { Image(state: state) }

    private struct Image: StateImage {
        let state: ClusterState

        func write(to sink: (ArraySlice<UInt8>) throws -> Void) throws {
            var writer = SnapshotWriter(state)
            while let chunk = writer.next() { try sink(chunk[...]) }
        }

        var payloads: [NeededPayload] {
            state.payloads.map { NeededPayload(id: NodePayloads.id($0.digest), length: Int($0.length)) }
        }
    }

    func install(_ read: (_ maximumBytes: Int) throws -> [UInt8]) throws {
        var reader = SnapshotReader(supporting: state.supportedVersion)
        while true {
            let bytes = try read(256 << 10)
            if bytes.isEmpty { break }
            try reader.append(bytes[...])
        }
        var state = try reader.finish()
        state.payloadSource = payloads.withLock { $0 }
        published.withLock { $0 = state }
        history.restart(at: state.index, state.hash)
        observers.notify(AppliedBatch(state: state, applied: [], isRestored: true))
    }
}
