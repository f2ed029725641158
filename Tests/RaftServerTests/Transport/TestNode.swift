import Logging
import NIOCore
import Raft
import RaftServer
import Synchronization
import Testing

/// What a node under test heard.
enum Heard: Equatable, Sendable {
    case frame(from: NodeID, boot: BootID, kind: UInt8, payload: [UInt8])
    case up(NodeID, BootID)
    case down(NodeID, LinkDownCause)
    case bulkReady(NodeID)
}

/// Keeps what was heard, in order, and lets a test wait for what it expects instead of sleeping.
final class Recorder: Sendable {
    private struct Waiter: Sendable {
        var id: Int
        var isFulfilled: @Sendable ([Heard]) -> Bool
        var resume: @Sendable (Bool) -> Void
    }

    private struct State: Sendable {
        var heard: [Heard] = []
        var waiters: [Waiter] = []
        var nextID = 0
    }

    private let state = Mutex(State())

    var all: [Heard] { state.withLock { $0.heard } }

    func record(_ heard: Heard) {
        let fulfilled = state.withLock { state in
            state.heard.append(heard)
            let fulfilled = state.waiters.filter { $0.isFulfilled(state.heard) }
            state.waiters.removeAll { waiter in fulfilled.contains { $0.id == waiter.id } }
            return fulfilled
        }
        for waiter in fulfilled { waiter.resume(true) }
    }

    /// Waits until what was heard so far satisfies `condition`; after `limit` the test fails.
    func wait(
        limit: Duration = .seconds(180), sourceLocation: SourceLocation = #_sourceLocation,
        until condition: @escaping @Sendable ([Heard]) -> Bool
    ) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            let late = self.state.withLock { state in
                let late = state.waiters.first { $0.id == id }
                state.waiters.removeAll { $0.id == id }
                return late
            }
            late?.resume(false)
        }
        let inTime = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            let isFulfilled = state.withLock { state in
                if condition(state.heard) { return true }
                state.waiters.append(Waiter(id: id, isFulfilled: condition) { continuation.resume(returning: $0) })
                return false
            }
            if isFulfilled { continuation.resume(returning: true) }
        }
        timer.cancel()
        if !inTime { Issue.record("not heard within \(limit); heard \(summary)", sourceLocation: sourceLocation) }
    }

    func waitForUp(_ node: UInt64, times: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) async {
        await wait(sourceLocation: sourceLocation) { heard in heard.count { $0.isUp(node) } >= times }
    }

    func waitForDown(
        _ node: UInt64, sourceLocation: SourceLocation = #_sourceLocation,
        _ matches: @escaping @Sendable (LinkDownCause) -> Bool = { _ in true }
    ) async {
        await wait(sourceLocation: sourceLocation) { heard in
            heard.contains {
                if case .down(NodeID(node), let cause) = $0 { matches(cause) } else { false }
            }
        }
    }

    private var summary: String {
        let heard = all
        let links = heard.filter { if case .frame = $0 { false } else { true } }
        return "\(heard.count - links.count) frames and \(links.count) link events, at last \(links.suffix(10))"
    }
}

extension Heard {
    func isUp(_ node: UInt64) -> Bool {
        if case .up(NodeID(node), _) = self { true } else { false }
    }

    var frame: (kind: UInt8, payload: [UInt8])? {
        if case .frame(_, _, let kind, let payload) = self { (kind, payload) } else { nil }
    }
}

/// A transport on a free loopback port, with what it heard and what it logged.
struct TestNode: Sendable {
    let transport: PeerTransport
    let recorder: Recorder
    let log: LogRecorder
    let id: UInt64

    /// The default limits, but for those that a machine busy with other things could reach.
    static var patient: PeerTransport.Limits {
        var limits = PeerTransport.Limits()
        limits.handshakeTimeout = .minutes(10)
        limits.silenceLimit = .minutes(10)
        limits.unacknowledgedLimit = .minutes(10)
        limits.flushTimeout = .seconds(30)
        return limits
    }

    static let clusterID = "test-cluster"
    static let kind = FrameKind(application: 16)
    static let incarnation = Incarnation(0xA1)

    init(
        _ id: UInt64, boot: UInt64 = 1, incarnation: Incarnation = TestNode.incarnation,
        clusterID: String = TestNode.clusterID, listenPort: Int = 0, tls: PeerTransport.TLSFiles? = nil,
        limits: PeerTransport.Limits = TestNode.patient,
        isKnown: @escaping @Sendable (Hello) -> PeerTransport.Verdict = { _ in .accepted },
        receipt: PeerTransport.FrameReceipt = .done,
        onFrame: (@Sendable (NodeID, FrameKind, ByteBuffer) -> Void)? = nil
    ) {
        let recorder = Recorder()
        let log = LogRecorder()
        self.recorder = recorder
        self.log = log
        self.id = id
        let callbacks = PeerTransport.Callbacks(
            isKnown: isKnown,
            frame: { node, boot, kind, payload in
                if let onFrame {
                    onFrame(node, kind, payload)
                    return receipt
                }
                let bytes = Array(payload.readableBytesView)
                recorder.record(.frame(from: node, boot: boot, kind: kind.rawValue, payload: bytes))
                return receipt
            },
            link: { node, event in
                switch event {
                case .up(let hello): recorder.record(.up(node, hello.boot))
                case .down(let cause): recorder.record(.down(node, cause))
                }
            },
            bulkReady: { recorder.record(.bulkReady($0)) })
        transport = PeerTransport(
            configuration: .init(listen: PeerAddress(host: "127.0.0.1", port: listenPort), limits: limits),
            identity: .init(
                clusterID: clusterID, node: NodeID(id), incarnation: incarnation, boot: BootID(boot),
                machineVersionMax: 1, softwareVersion: "1.2.3"),
            tls: tls, callbacks: callbacks, logger: Logger(label: "node-\(id)") { _ in log.handler })
    }

    func start() async throws -> PeerAddress { try await transport.start() }

    /// Starts two nodes that dial each other.
    @discardableResult
    static func pair(_ first: TestNode, _ second: TestNode) async throws -> (first: PeerAddress, second: PeerAddress) {
        let firstAddress = try await first.start()
        let secondAddress = try await second.start()
        first.transport.setPeers([NodeID(second.id): secondAddress])
        second.transport.setPeers([NodeID(first.id): firstAddress])
        return (firstAddress, secondAddress)
    }
}

/// Runs `body` and stops the nodes whatever happens.
func withNodes(_ nodes: TestNode..., body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch {
        for node in nodes { await node.transport.stop() }
        throw error
    }
    for node in nodes { await node.transport.stop() }
}
