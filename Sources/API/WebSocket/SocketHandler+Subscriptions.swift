import ClusterState
import NIOCore
import Orchestration
import Telemetry

extension SocketHandler {
    // MARK: Subscribing

    func subscribe(_ channel: EventChannel, since: ResumePoint?, id: String?) {
        let state = hub.cluster.state
        let epoch = StreamEpoch.name(of: state)
        let end = EventOffset.end(of: state.index)
        if subscriptions[channel] == nil { hub.metrics.subscriptions.add(1) }
        shard.subscribe(self, channel)
        guard let since else {
            subscriptions[channel] = Subscription(mode: .live, floor: end)
            return confirm(channel, id, epoch, end, isRecovered: false, snapshot: snapshot(channel, state))
        }
        let isGone: Bool = if case .gone = state.events(after: since.offset, limit: 0) { true } else { false }
        guard since.epoch == epoch, !isGone else {
            hub.metrics.socketResumes.with(isGone && since.epoch == epoch ? "gone" : "other_epoch").increment()
            subscriptions[channel] = Subscription(mode: .live, floor: end)
            return confirm(channel, id, epoch, end, isRecovered: false, snapshot: snapshot(channel, state))
        }
        hub.metrics.socketResumes.with("recovered").increment()
        // A client that is ahead of this node waits for it without seeing anything twice.
        let isAhead = since.offset >= end
        subscriptions[channel] = Subscription(mode: isAhead ? .live : .replaying, floor: since.offset)
        confirm(channel, id, epoch, since.offset, isRecovered: true, snapshot: nil)
        if isAhead { verify(channel, since.offset) } else { replay() }
    }

    /// Whoever waits for an offset that never was would miss all until it came: a strong read covers all that there can have been.
    private func verify(_ channel: EventChannel, _ floor: EventOffset) {
        guard let loop = context?.eventLoop else { return }
        let cluster = hub.cluster
        let bound = NIOLoopBound(self, eventLoop: loop)
        Task {
            // Without a quorum nobody can tell; then nothing happens for which the client could wait, either.
            guard let state = try? await cluster.read(.strong), floor > EventOffset.end(of: state.index) else { return }
            loop.execute { bound.value.lose(channel, ifAt: floor, state) }
        }
    }

    private func lose(_ channel: EventChannel, ifAt floor: EventOffset, _ state: ClusterState) {
        guard subscriptions[channel]?.floor == floor else { return }
        lose(channel, state)
        flush()
    }

    func unsubscribe(_ channel: EventChannel, id: String?) {
        if subscriptions.removeValue(forKey: channel) != nil { hub.metrics.subscriptions.add(-1) }
        shard.unsubscribe(self, channel)
        send(
            ByteBuffer(
                bytes: JSONWriter.document { json in
                    json.object { json in
                        json.field("type", "unsubscribed")
                        if let id { json.field("id", id) }
                        json.field("channel", channel.name)
                    }
                }))
    }

    private func confirm(
        _ channel: EventChannel, _ id: String?, _ epoch: String, _ offset: EventOffset, isRecovered: Bool,
        snapshot: [UInt8]?
    ) {
        send(
            ByteBuffer(
                bytes: JSONWriter.document { json in
                    json.object { json in
                        json.field("type", "subscribed")
                        if let id { json.field("id", id) }
                        json.field("channel", channel.name)
                        json.field("recovered", isRecovered)
                        json.field("epoch", epoch)
                        json.field("offset", offset.description)
                        if let snapshot { json.field("snapshot", raw: snapshot) }
                    }
                }))
    }

    private func snapshot(_ channel: EventChannel, _ state: ClusterState) -> [UInt8] {
        ChannelSnapshot.json(of: channel, in: state, tenant: principal.tenant, limits: limits)
    }

    // MARK: Live

    func deliver(_ message: EventMessage, on channel: EventChannel, _ text: ByteBuffer) {
        guard let subscription = subscriptions[channel], message.tenant.isEmpty || message.tenant == principal.tenant
        else { return }
        guard let offset = message.offset else {
            return send(text, coalescingKey: message.coalescingKey.map { "\(channel.name) \($0)" })
        }
        guard subscription.mode == .live, offset > subscription.floor else { return }
        send(text)
    }

    /// The hub has left out what lies between: whoever subscribed before the end of it replays it.
    func catchUp(from: EventOffset, to: EventOffset) {
        for (channel, subscription) in subscriptions where subscription.mode == .live && subscription.floor < to {
            subscriptions[channel]?.mode = .replaying
            subscriptions[channel]?.floor = max(subscription.floor, from)
        }
        scheduleReplay()
    }

    /// The node's state came as a snapshot: what happened between is not known here.
    func reset(reason: String) {
        let state = hub.cluster.state
        let end = EventOffset.end(of: state.index)
        for channel in subscriptions.keys {
            subscriptions[channel] = Subscription(mode: .live, floor: end)
            let snapshot = snapshot(channel, state)
            send(
                ByteBuffer(
                    bytes: JSONWriter.document { json in
                        json.object { json in
                            json.field("type", "reset")
                            json.field("channel", channel.name)
                            json.field("reason", reason)
                            json.field("epoch", StreamEpoch.name(of: state))
                            json.field("offset", end.description)
                            json.field("snapshot", raw: snapshot)
                        }
                    }))
        }
        flush()
    }

    // MARK: Replaying

    /// One part of what the client missed; the rest follows when the loop has seen to others and the client has read.
    func replay() {
        replayIsScheduled = false
        guard canReplay, let channel = subscriptions.first(where: { $0.value.mode == .replaying })?.key,
            let floor = subscriptions[channel]?.floor
        else { return }
        let state = hub.cluster.state
        let read = state.events(after: floor, limit: limits.eventsPerPass, scanLimit: limits.eventsScannedPerPass) {
            channel.shows($0, tenant: principal.tenant)
        }
        switch read {
        case .gone: lose(channel, state)
        case .page(let events, let next):
            let reached = send(events, of: channel, state) ?? next
            // The state is at least as new as the hub's last pass, so behind its end the hub has sent nothing yet.
            let isDone = reached >= EventOffset.end(of: state.index)
            subscriptions[channel] = Subscription(mode: isDone ? .live : .replaying, floor: reached)
        }
        flush()
        if canReplay { scheduleReplay() }
    }

    /// Sends as many as the connection takes now. Nil: all; otherwise how far the client has come.
    private func send(_ events: [Event], of channel: EventChannel, _ state: ClusterState) -> EventOffset? {
        let epoch = StreamEpoch.name(of: state)
        var last = subscriptions[channel]?.floor
        for event in events {
            guard canReplay else { return last }
            let message = EventMessage(event, of: state, epoch: epoch, limits: limits, nodeName: hub.cluster.name(of:))
            send(ByteBuffer(bytes: message.text(for: channel)))
            last = event.offset
        }
        return nil
    }

    func scheduleReplay() {
        guard !replayIsScheduled, subscriptions.values.contains(where: { $0.mode == .replaying }) else { return }
        replayIsScheduled = true
        after(milliseconds: 0) { $0.replay() }
    }

    /// The window moved past the client while it was being replayed to.
    private func lose(_ channel: EventChannel, _ state: ClusterState) {
        let end = EventOffset.end(of: state.index)
        subscriptions[channel] = Subscription(mode: .live, floor: end)
        confirm(
            channel, nil, StreamEpoch.name(of: state), end, isRecovered: false, snapshot: snapshot(channel, state))
    }
}
