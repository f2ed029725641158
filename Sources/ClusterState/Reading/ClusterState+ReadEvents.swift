import Raft

extension ClusterState {
    /// Events after an offset, oldest first. Any node gives the same answer for the same state.
    ///
    /// - Parameters:
    ///   - offset: that of the last event which the client has, or `EventOffset.end(of:)` an index it has read.
    ///   - limit: the most events to return.
    ///   - scanLimit: the most events to look at; `next` says how far it came.
    public func events(
        after offset: EventOffset, limit: Int, scanLimit: Int = .max, where isIncluded: (Event) -> Bool = { _ in true }
    ) -> EventsRead {
        if offset < position.windowFloor { return .gone }
        var events: [Event] = []
        var next = offset
        var looked = 0
        for (key, row) in tables.events.rows.from(offset) where key > offset {
            guard events.count < limit, looked < scanLimit else { return .page(events, next: next) }
            looked += 1
            next = key
            let event = Event(offset: key, record: row.record, result: result(of: row.record))
            if isIncluded(event) { events.append(event) }
        }
        return .page(events, next: max(next, EventOffset.end(of: position.index)))
    }

    /// Of the newest event; nil if the window is empty.
    public var lastEventOffset: EventOffset? { tables.events.rows.last?.key }

    /// The bytes that an event names, if the task still has exactly these.
    private func result(of event: EventRecord) -> Payload? {
        guard event.resultLength > 0, let key = TaskKey(tenant: event.tenant, id: event.taskID) else { return nil }
        let payload: Payload?
        switch event.kind {
        case .taskCompleted, .taskFailed:
            payload = result(of: key)
        case .agentCompleted, .agentFailed:
            guard event.stepNumber > 0 else { return nil }
            payload = tables.steps[StepKey(task: key, step: event.stepNumber - 1, attempt: event.attempt)]?.result
        case .taskCreated, .taskExecutionStarted, .agentStarted, .taskCancelled, .memberChanged, .approvalRequired,
            .breakerChanged:
            payload = nil
        }
        return payload.flatMap { $0.sha256 == event.resultSha256 ? $0 : nil }
    }
}
