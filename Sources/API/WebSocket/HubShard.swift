import ClusterState
import NIOCore
import Orchestration
import Synchronization
import Telemetry

/// The subscriptions of the sockets on one event loop. Everything but the counters is touched on that loop only.
final class HubShard: Sendable {
    /// Events that the hub has read together: all there are behind `from`, up to `to`.
    struct Pass: Sendable {
        var from: EventOffset
        var to: EventOffset
        var messages: [EventMessage]
    }

    let loop: any EventLoop
    private let limits: APILimits
    private let ahead = Atomic<Int>(0)
    private let box: NIOLoopBoundBox<Contents>
    private var contents: Contents { box.value }

    /// A class, so that it is changed in place: the box that only opens on the loop would copy a value.
    private final class Contents {
        var sockets: [ObjectIdentifier: SocketHandler] = [:]
        var subscribers: [EventChannel: Set<ObjectIdentifier>] = [:]
        /// Passes have been taken up to here.
        var position = EventOffset.zero
        var heartbeats: RepeatedTask?
        var whenEmpty: EventLoopPromise<Void>?
    }

    init(loop: any EventLoop, limits: APILimits) {
        self.loop = loop
        self.limits = limits
        box = NIOLoopBoundBox.makeBoxSendingValue(Contents(), eventLoop: loop)
    }

    /// Passes handed over and not yet taken.
    var passesAhead: Int { ahead.load(ordering: .relaxed) }

    func start(_ hub: Hub) {
        loop.execute {
            self.contents.heartbeats = self.loop.scheduleRepeatedTask(
                initialDelay: .seconds(1), delay: .seconds(1)
            ) { [weak self, weak hub] task in
                guard let self, let hub else { return task.cancel() }
                let time = hub.clock().rfc3339
                for socket in self.contents.sockets.values { socket.heartbeatIfDue(time: time) }
            }
        }
    }

    // MARK: Sockets, on the loop

    func add(_ socket: SocketHandler) { contents.sockets[ObjectIdentifier(socket)] = socket }

    func remove(_ socket: SocketHandler, channels: some Sequence<EventChannel>) {
        let id = ObjectIdentifier(socket)
        guard contents.sockets.removeValue(forKey: id) != nil else { return }
        for channel in channels { unsubscribe(socket, channel) }
        guard contents.sockets.isEmpty else { return }
        contents.whenEmpty?.succeed()
        contents.whenEmpty = nil
    }

    func subscribe(_ socket: SocketHandler, _ channel: EventChannel) {
        contents.subscribers[channel, default: []].insert(ObjectIdentifier(socket))
    }

    func unsubscribe(_ socket: SocketHandler, _ channel: EventChannel) {
        contents.subscribers[channel]?.remove(ObjectIdentifier(socket))
        if contents.subscribers[channel]?.isEmpty == true { contents.subscribers[channel] = nil }
    }

    // MARK: From the hub, on its thread

    func receive(_ pass: Pass, hub: Hub) {
        ahead.wrappingAdd(1, ordering: .relaxed)
        loop.execute {
            self.take(pass, hub)
            if self.ahead.wrappingSubtract(1, ordering: .relaxed).newValue == self.limits.passesAhead - 1 { hub.wake() }
        }
    }

    func receiveEphemeral(_ message: EventMessage, hub: Hub) {
        // Nobody misses a tick that is left out while the loop is busy.
        guard passesAhead < limits.passesAhead else { return }
        loop.execute { self.send(message) }
    }

    func reset(_ state: ClusterState, hub: Hub) {
        loop.execute {
            self.contents.position = EventOffset.end(of: state.index)
            for socket in self.contents.sockets.values { socket.reset(reason: "snapshot_installed") }
        }
    }

    // MARK: On the loop

    private func take(_ pass: Pass, _ hub: Hub) {
        if pass.from > contents.position {
            // The hub went ahead while there were no sockets. Those that came since look for themselves.
            for socket in contents.sockets.values { socket.catchUp(from: contents.position, to: pass.from) }
        }
        contents.position = pass.to
        for message in pass.messages { send(message) }
        for socket in contents.sockets.values { socket.flush() }
    }

    private func send(_ message: EventMessage) {
        for channel in message.channels {
            guard let ids = contents.subscribers[channel] else { continue }
            // One buffer for all who get it.
            let text = ByteBuffer(bytes: message.text(for: channel))
            for id in ids { contents.sockets[id]?.deliver(message, on: channel, text) }
        }
        if message.offset == nil { for socket in contents.sockets.values { socket.flush() } }
    }

    // MARK: Draining

    func drain() async {
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            guard !self.contents.sockets.isEmpty else { return promise.succeed() }
            self.contents.whenEmpty = promise
            for socket in self.contents.sockets.values { socket.drain() }
        }
        try? await promise.futureResult.get()
    }
}
