@testable import Raft

// What goes wrong, and the verbs of the scenarios.
extension World {
    // MARK: Processes

    mutating func start(_ id: NodeID) {
        let place = place(id)
        precondition(!nodes[place].isUp, "a running node is not started")
        nodes[place].boot += 1
        nodes[place].bootTime = now
        let drift = options.clockDriftPerMille
        nodes[place].clockRate = UInt64(1000 + faultRandom.number(-drift...drift))
        var settings = options.settings
        settings.seed = faultRandom.next()
        let restored = nodes[place].disk.restored
        nodes[place].start(Raft(id: id, settings: settings, restored: restored, now: nodes[place].localTick(now)))
        nodes[place].machineApplied = nodes[place].disk.snapshot.position.index
        invariants.started(nodes[place])
        coverage.starts += 1
        scheduleWake(id)
        for peer in nodes where peer.id != id && peer.isUp {
            openLink(id, peer.id)
            openLink(peer.id, id)
        }
    }

    /// The process ends between two instructions. Its kernel closes its connections, unless the whole host is gone.
    mutating func crash(_ id: NodeID, closingLinks: Bool = true) {
        let place = place(id)
        guard nodes[place].isUp else { return }
        coverage.crashes += 1
        nodes[place].stop()
        nodes[place].boot += 1
        nodes[place].disk.crash(keeping: faultRandom.number(0...nodes[place].disk.queue.count))
        nodes[place].diskIsBusy = false
        nodes[place].diskStalledUntil = 0
        nodes[place].pausedUntil = 0
        nodes[place].snapshotIsBeingSaved = false
        nodes[place].nextWake = nil
        nodes[place].openReads = []
        nodes[place].transfersBegun = 0
        nodes[place].transferOutcomes = []
        for peer in nodes where peer.id != id {
            network[id, peer.id].isUp = false
            if closingLinks { closeLink(peer.id, id) }
        }
    }

    mutating func restartLater(_ id: NodeID) {
        events.schedule(.restart(id, boot: self[id].boot), at: now + faultRandom.milliseconds(1...800))
    }

    /// SIGSTOP: nothing happens in the process until then, and everything that came meanwhile happens at once.
    mutating func pause(_ id: NodeID, for milliseconds: UInt64) {
        coverage.pauses += 1
        nodes[place(id)].pausedUntil = now + milliseconds
    }

    mutating func stallDisk(_ id: NodeID, for milliseconds: UInt64) {
        coverage.diskStalls += 1
        nodes[place(id)].diskStalledUntil = now + milliseconds
    }

    // MARK: Links

    mutating func openLink(_ from: NodeID, _ to: NodeID) {
        events.schedule(.link(from, to: to, up: true), at: now + networkRandom.milliseconds(options.delay))
    }

    mutating func closeLink(_ from: NodeID, _ to: NodeID) {
        events.schedule(.link(from, to: to, up: false), at: now + networkRandom.milliseconds(0...1))
    }

    mutating func linkChanged(_ id: NodeID, _ peer: NodeID, up: Bool) throws {
        guard self[id].isUp else { return }
        if up, network[id, peer].isCut || !self[peer].isUp { return }
        network[id, peer].isUp = up
        try step(id, up ? .linkUp(peer) : .linkDown(peer))
    }

    /// Messages from one node to the other disappear. With `closing` the sender's connection ends, too.
    mutating func cut(_ from: NodeID, _ to: NodeID, closing: Bool = false) {
        coverage.cuts += 1
        network[from, to].isCut = true
        if closing { closeLink(from, to) }
    }

    mutating func cutBoth(_ one: NodeID, _ other: NodeID, closing: Bool = false) {
        cut(one, other, closing: closing)
        cut(other, one, closing: closing)
    }

    mutating func isolate(_ id: NodeID, closing: Bool = false) {
        for peer in nodes where peer.id != id { cutBoth(id, peer.id, closing: closing) }
    }

    mutating func heal(_ from: NodeID, _ to: NodeID) {
        guard network[from, to].isCut else { return }
        network[from, to].isCut = false
        if !network[from, to].isUp, self[from].isUp, self[to].isUp { openLink(from, to) }
    }

    mutating func healAll() {
        for one in membership.voters {
            for other in membership.voters where one != other { heal(one, other) }
        }
    }

    // MARK: Chance

    mutating func drawFault() throws {
        guard isDisturbed else { return }
        events.schedule(.faultDraw, at: now + 20)
        if faultRandom.chance(options.crashPerMille) {
            let victim = faultRandom.pick(membership.voters)
            if self[victim].isUp {
                crash(victim, closingLinks: faultRandom.chance(700))
                restartLater(victim)
            }
        }
        if faultRandom.chance(options.pausePerMille) {
            pause(faultRandom.pick(membership.voters), for: faultRandom.milliseconds(20...1500))
        }
        if faultRandom.chance(options.diskStallPerMille) {
            stallDisk(faultRandom.pick(membership.voters), for: faultRandom.milliseconds(50...2000))
        }
        if faultRandom.chance(options.cutPerMille) { drawCut() }
        if faultRandom.chance(options.linkFlapPerMille), options.nodes > 1 {
            let pair = membership.voters.shuffled(using: &faultRandom)
            closeLink(pair[0], pair[1])
            events.schedule(.link(pair[0], to: pair[1], up: true), at: now + faultRandom.milliseconds(1...100))
        }
        if faultRandom.chance(options.transferPerMille) {
            let target = faultRandom.chance(500) ? nil : faultRandom.pick(membership.voters)
            try transfer(at: faultRandom.pick(membership.voters), to: target)
        }
    }

    private mutating func drawCut() {
        let closing = faultRandom.chance(500)
        let shuffled = membership.voters.shuffled(using: &faultRandom)
        switch faultRandom.number(0...3) {
        case 0: isolate(shuffled[0], closing: closing)
        case 1:
            let side = shuffled.prefix(faultRandom.number(0...options.nodes))
            for one in shuffled where side.contains(one) {
                for other in shuffled where !side.contains(other) { cutBoth(one, other, closing: closing) }
            }
        case 2:
            for one in shuffled {
                for other in shuffled where one != other && faultRandom.chance(300) {
                    cut(one, other, closing: closing)
                }
            }
        default:
            for other in shuffled where other != shuffled[0] { cut(shuffled[0], other, closing: closing) }
        }
        events.schedule(.healAll, at: now + faultRandom.milliseconds(50...1500))
    }
}
