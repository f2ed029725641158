@testable import Raft

// What `RaftServer` does with the effects of a step.
extension World {
    mutating func execute(_ effect: Effect, on id: NodeID) throws {
        let place = place(id)
        switch effect {
        case .send(let message): send(message)
        case .persist(let write): enqueue(.write(write), on: id)
        case .apply(let entries): handToMachine(entries, on: id)
        case .readReady(let token, _), .readRejected(let token, _):
            nodes[place].openReads.removeAll { $0 == token }
            if case .readReady = effect { coverage.readsAnswered += 1 }
        case .proposalsRejected: coverage.proposalsRejected += 1
        case .sendSnapshot(let peer, let descriptor): sendSnapshot(descriptor, from: id, to: peer)
        case .installSnapshot(let descriptor): enqueue(.install(descriptor), on: id)
        case .compact(let index): enqueue(.compact(through: index), on: id)
        case .roleChanged(let standing): if standing.role == .leader { coverage.elections += 1 }
        case .membershipChanged, .membershipChangeAccepted, .membershipChangeRejected, .memberForgot: break
        case .transferEnded(let outcome):
            nodes[place].transferOutcomes.append(outcome)
            if case .completed = outcome { coverage.transfers += 1 }
        }
    }

    // MARK: Network

    mutating func send(_ message: Message) {
        sent?.append((now, message))
        if let drops, drops(message) { return }
        var link = network[message.from, message.to]
        if link.isCut { return }
        if isDisturbed, networkRandom.chance(options.lossPerMille) { return }
        let copies = isDisturbed && networkRandom.chance(options.duplicationPerMille) ? 2 : 1
        for _ in 0..<copies {
            var delay = networkRandom.milliseconds(isCalm ? 0...1 : options.delay)
            if isDisturbed, networkRandom.chance(options.slowPerMille) {
                delay += networkRandom.milliseconds(50...1500)
            }
            var time = now + delay
            if !(isDisturbed && networkRandom.chance(options.reorderPerMille)) { time = max(time, link.lastDelivery) }
            link.lastDelivery = max(time, link.lastDelivery)
            events.schedule(.deliver(message), at: time)
        }
        network[message.from, message.to] = link
    }

    mutating func deliver(_ message: Message) throws {
        guard self[message.to].isUp, !network[message.from, message.to].isCut else { return }
        guard options.usesCodec else { return try step(message.to, .message(message)) }
        let decoded = try Message(decoding: message.encoded()[...])
        guard decoded == message else { throw Violation("\(message) was read as \(decoded)") }
        try step(message.to, .message(decoded))
    }

    /// The bulk channel: slower than messages, and what it says of its success may be wrong about the far end.
    private mutating func sendSnapshot(_ descriptor: SnapshotDescriptor, from id: NodeID, to peer: NodeID) {
        guard let term = self[id].raft?.standing.term else { return }
        coverage.snapshotsSent += 1
        let arrival = now + networkRandom.milliseconds(1...30)
        let passes = !network[id, peer].isCut && self[peer].isUp
        let isLost = isDisturbed && networkRandom.chance(100)
        if passes && !isLost {
            let body = Message.Body.installSnapshot(descriptor)
            events.schedule(.deliver(Message(from: id, to: peer, term: term, body: body)), at: arrival)
        }
        let succeeded = passes && (!isLost || networkRandom.chance(500))
        events.schedule(.snapshotSent(id, boot: self[id].boot, to: peer, succeeded: succeeded), at: arrival)
    }

    // MARK: Disk

    mutating func enqueue(_ operation: SimulatedDisk.Operation, on id: NodeID) {
        nodes[place(id)].disk.enqueue(operation)
        scheduleDisk(id)
    }

    mutating func scheduleDisk(_ id: NodeID) {
        let place = place(id)
        guard !nodes[place].diskIsBusy, !nodes[place].disk.queue.isEmpty else { return }
        nodes[place].diskIsBusy = true
        let time = max(now, nodes[place].diskStalledUntil) + diskRandom.milliseconds(isCalm ? 0...1 : options.diskDelay)
        events.schedule(.diskDone(id, boot: nodes[place].boot), at: time)
    }

    /// One sync makes a random prefix of the queue durable: completions come in order and may be merged.
    mutating func diskDone(_ id: NodeID) throws {
        let place = place(id)
        if nodes[place].diskStalledUntil > now {
            return events.schedule(.diskDone(id, boot: nodes[place].boot), at: nodes[place].diskStalledUntil)
        }
        nodes[place].diskIsBusy = false
        let boot = nodes[place].boot
        var token: WriteToken?
        for _ in 0..<diskRandom.number(1...max(1, nodes[place].disk.queue.count)) {
            switch nodes[place].disk.completeFirst() {
            case .write(let write): token = write.token
            case .compact: break
            case .install(let descriptor):
                if let token { try step(id, .persisted(token)) }
                token = nil
                guard nodes[place].boot == boot, nodes[place].isUp else { return }
                nodes[place].machineApplied = descriptor.position.index
                coverage.snapshotsInstalled += 1
                try step(id, .snapshotInstalled(descriptor))
                guard nodes[place].boot == boot, nodes[place].isUp else { return }
            }
        }
        if let token { try step(id, .persisted(token)) }
        guard nodes[place].boot == boot, nodes[place].isUp else { return }
        scheduleDisk(id)
    }

    // MARK: State machine

    private mutating func handToMachine(_ entries: [Entry], on id: NodeID) {
        guard let last = entries.last?.index, let first = entries.first?.index else { return }
        let boot = self[id].boot
        let delay = isCalm ? 0...1 : options.applyDelay
        if entries.count > 2, diskRandom.chance(300) {
            events.schedule(.applied(id, boot: boot, first.next), at: now + diskRandom.milliseconds(delay))
        }
        events.schedule(.applied(id, boot: boot, last), at: now + delay.upperBound)
    }

    mutating func applied(_ id: NodeID, _ index: LogIndex) throws {
        let place = place(id)
        nodes[place].machineApplied = max(nodes[place].machineApplied, index)
        let boot = nodes[place].boot
        try step(id, .applied(index))
        guard nodes[place].boot == boot, let raft = nodes[place].raft, let every = options.snapshotEvery else { return }
        let applied = nodes[place].machineApplied
        guard !nodes[place].snapshotIsBeingSaved, let term = raft.term(at: applied),
            applied >= raft.latestSnapshot.position.index + every
        else { return }
        nodes[place].snapshotIsBeingSaved = true
        let descriptor = SnapshotDescriptor(
            position: LogPosition(index: applied, term: term), membership: raft.membership(at: applied))
        events.schedule(.snapshotSaved(id, boot: boot, descriptor), at: now + diskRandom.milliseconds(0...40))
    }

    mutating func snapshotSaved(_ id: NodeID, _ descriptor: SnapshotDescriptor) throws {
        let place = place(id)
        nodes[place].snapshotIsBeingSaved = false
        // One from the leader may have overtaken it.
        guard let raft = nodes[place].raft, descriptor.position.index > raft.latestSnapshot.position.index else {
            return
        }
        nodes[place].disk.save(descriptor)
        let end = Int(descriptor.position.index.rawValue)
        let through = LogIndex(UInt64(max(0, end - options.keptBehindSnapshot)))
        try step(id, .snapshotSaved(descriptor, compactThrough: through))
    }
}
