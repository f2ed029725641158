import ClusterState
import Logging
import NIOCore
import NIOPosix
import Orchestration
import Raft
import Synchronization
import Telemetry

/// Brings events from the replicated state to the WebSockets of this node.
///
/// The log is the only queue: an applied batch merely wakes the hub, which reads the events behind its position from
/// the state's window, encodes each once, on a thread of its own, and hands them to the `HubShard` of each event loop.
/// When a shard is behind, the hub stops reading; nothing is lost, since the window waits. Whoever subscribes is
/// brought up to date by his shard from the same window.
final class Hub: Sendable {
    let cluster: any ClusterService
    let metrics: APIMetrics
    let limits: APILimits
    let clock: @Sendable () -> WallTime
    let logger: Logger
    private let progress: ProgressBoard
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let shards: [HubShard]
    /// A pass is coming: further wakes add nothing.
    private let isAwake = Atomic<Bool>(false)
    private let isRestored = Atomic<Bool>(false)
    private let sockets = Atomic<Int>(0)
    private let queuedBytes = Atomic<Int>(0)
    /// Everything up to here has been handed over, or nobody was there to get it.
    private let position: NIOLoopBoundBox<EventOffset>
    private let life = Mutex(Life())

    private struct Life {
        var token: ObserverToken?
        var standings: Task<Void, Never>?
    }

    init(
        _ cluster: any ClusterService, progress: ProgressBoard, metrics: APIMetrics, limits: APILimits,
        clock: @escaping @Sendable () -> WallTime, group connections: MultiThreadedEventLoopGroup, logger: Logger
    ) {
        self.cluster = cluster
        self.progress = progress
        self.metrics = metrics
        self.limits = limits
        self.clock = clock
        self.logger = logger
        loop = group.next()
        position = NIOLoopBoundBox.makeBoxSendingValue(EventOffset.end(of: cluster.state.index), eventLoop: loop)
        shards = connections.makeIterator().map { HubShard(loop: $0, limits: limits) }
    }

    // MARK: Life

    func start() {
        for shard in shards { shard.start(self) }
        let token = cluster.observe { [weak self] batch in
            if batch.isRestored { self?.isRestored.store(true, ordering: .sequentiallyConsistent) }
            self?.wake()
        }
        cluster.subscribe(.taskProgress) { [weak self] _, bytes in self?.receiveProgress(bytes) }
        let standings = Task { [weak self, cluster] in
            var leader: NodeID?
            for await standing in cluster.standings where standing.leader != nil && standing.leader != leader {
                leader = standing.leader
                self?.announceLeader(standing)
            }
        }
        life.withLock { $0 = Life(token: token, standings: standings) }
    }

    /// Tells every client to go elsewhere and closes its socket, spread over time. Returns when the last is gone.
    func drain() async {
        await withDiscardingTaskGroup { group in
            for shard in shards { group.addTask { await shard.drain() } }
        }
    }

    func stop() {
        let life = life.withLock { $0 }
        if let token = life.token { cluster.remove(token) }
        life.standings?.cancel()
        group.shutdownGracefully { _ in }
    }

    func shard(of loop: any EventLoop) -> HubShard? { shards.first { $0.loop === loop } }

    // MARK: Counting

    func opened() {
        sockets.wrappingAdd(1, ordering: .sequentiallyConsistent)
        metrics.sockets.add(1)
    }

    func closed() {
        sockets.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        metrics.sockets.add(-1)
    }

    /// Whether the node has room for what waits for a client now.
    func queueChanged(by bytes: Int) -> Bool {
        metrics.socketQueue.add(bytes)
        return queuedBytes.wrappingAdd(bytes, ordering: .relaxed).newValue <= limits.nodeQueueBytes
    }

    // MARK: Durable events

    /// From any thread; cheap.
    func wake() {
        guard !isAwake.exchange(true, ordering: .sequentiallyConsistent) else { return }
        loop.execute { self.pass() }
    }

    private func pass() {
        isAwake.store(false, ordering: .sequentiallyConsistent)
        let wasRestored = isRestored.exchange(false, ordering: .sequentiallyConsistent)
        // The state before the count: a socket that opens after the count is read subscribes to a state at least this
        // new.
        let state = cluster.state
        guard sockets.load(ordering: .sequentiallyConsistent) > 0 else {
            position.value = EventOffset.end(of: state.index)
            return
        }
        if wasRestored { return reset(state) }
        // The shard that is behind wakes the hub again.
        guard shards.allSatisfy({ $0.passesAhead < limits.passesAhead }) else { return }
        let from = position.value
        switch state.events(after: from, limit: limits.eventsPerPass) {
        case .gone: reset(state)
        case .page(let events, let next):
            guard next > from else { return }
            position.value = next
            if events.isEmpty { return }
            deliver(events, state, from: from, to: next)
            if events.count == limits.eventsPerPass { wake() }
        }
    }

    private func deliver(_ events: [Event], _ state: ClusterState, from: EventOffset, to: EventOffset) {
        let epoch = StreamEpoch.name(of: state)
        let now = clock()
        let messages = events.map { event in
            metrics.eventLag.observe(
                Double(max(0, now.microsecondsSince1970 - Int64(clamping: event.record.occurredWall))) / 1_000_000)
            return EventMessage(event, of: state, epoch: epoch, limits: limits, nodeName: cluster.name(of:))
        }
        for shard in shards { shard.receive(HubShard.Pass(from: from, to: to, messages: messages), hub: self) }
    }

    private func reset(_ state: ClusterState) {
        position.value = EventOffset.end(of: state.index)
        for shard in shards { shard.reset(state, hub: self) }
    }

    // MARK: Ephemeral events

    private func receiveProgress(_ bytes: [UInt8]) {
        guard let message = ProgressMessage(bytes) else { return }
        progress.put(message.tick, message.key)
        guard sockets.load(ordering: .relaxed) > 0, cluster.state.task(message.key)?.status.isTerminal != true else {
            return
        }
        let id = message.key.id
        broadcast(
            EventMessage(
                ephemeral: "task_progress", on: [.tasks, .task(id)], tenant: message.key.tenant, taskID: id,
                at: clock(),
                coalescingKey: "progress:\(id)", data: message.json))
    }

    private func announceLeader(_ standing: Standing) {
        guard let leader = standing.leader else { return }
        let data = JSONWriter.document { json in
            json.object { json in
                json.field("leader", cluster.name(of: leader))
                json.field("term", standing.term.rawValue)
            }
        }
        broadcast(
            EventMessage(
                ephemeral: "leader_changed", on: [.cluster], tenant: "", taskID: nil, at: clock(),
                coalescingKey: "leader",
                data: data))
    }

    private func broadcast(_ message: EventMessage) {
        for shard in shards { shard.receiveEphemeral(message, hub: self) }
    }
}
