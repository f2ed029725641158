import Raft

// What goes wrong in the safety phase.
extension World {
    private static let drawInterval: UInt64 = 50_000

    /// Disks that may be damaged: no more than the cluster can lose, and then none beside (the fault atlas).
    func mayDamage(_ node: Node) -> Bool {
        if node.isDamaged || options.faults.isBeyondAtlas { return true }
        return nodes.count { $0.isDamaged } < nodes.count - (nodes.count / 2 + 1)
    }

    func beginFaults(until end: UInt64) {
        isDisturbed = true
        disturbedUntil = end
        quietUntil = now
        queue.schedule(.faultDraw, at: now + random.faults.time(options.faults.disturbedTime))
    }

    /// One moment at which things may go wrong. Windows without new faults let the cluster make progress in between, or the
    /// interesting states are never reached.
    func drawFault() {
        guard isDisturbed, now < disturbedUntil else { return }
        if random.faults.chance(perMillion: Int(Self.drawInterval / 5)) {
            quietUntil = now + random.faults.time(options.faults.quietTime)
        }
        queue.schedule(.faultDraw, at: max(now, quietUntil) + Self.drawInterval)
        if now < quietUntil { return }
        drawNodeFault()
        drawLinkFault()
        drawDiskFault()
    }

    private func anyNode() -> Node { random.faults.pick(nodes) }

    private func drawNodeFault() {
        let faults = options.faults
        if random.faults.chance(perMille: faults.crash) {
            let victim = anyNode()
            if victim.process != nil {
                trace.note(now, "node \(victim.id) loses power")
                crash(victim, closing: random.faults.chance(perMille: 500))
                restartLater(victim)
            }
        }
        if random.faults.chance(perMille: faults.exit) { exit(anyNode(), because: "killed") }
        if random.faults.chance(perMille: faults.pause) { pause(anyNode(), for: 20_000...3_000_000) }
        if random.faults.chance(perMille: faults.transfer) {
            let target = random.faults.chance(perMille: 500) ? nil : anyNode().id
            administer(.transferLeadership(to: target), at: anyNode())
        }
        if random.faults.chance(perMille: faults.reconfiguration) { reconfigure() }
        if random.faults.chance(perMille: faults.newFolder) { loseDisk() }
        if random.faults.chance(perMille: faults.terminate) { administer(.terminate, at: anyNode()) }
        if random.faults.chance(perMille: faults.wipe) {
            let node = anyNode()
            if mayDamage(node) {
                marks.hit(.diskWiped)
                trace.note(now, "the disk of node \(node.id) is wiped")
                crash(node, closing: true)
                node.isDamaged = true
                node.disk.wipe()
                restartLater(node)
            }
        }
    }

    private func pause(_ node: Node, for time: ClosedRange<UInt64>) {
        marks.hit(.paused)
        node.pausedUntil = now + random.faults.time(time)
        node.timerDelay = random.faults.time(0...20_000)
        for peer in nodes.indices where peer != node.place {
            links[peer, node.place].readingDelay = random.faults.time(0...20_000)
        }
        trace.note(now, "node \(node.id) is paused until \(node.pausedUntil)")
    }

    // MARK: Disks

    private func drawDiskFault() {
        let faults = options.faults
        if random.faults.chance(perMille: faults.diskStall) {
            marks.hit(.diskStalled)
            let node = anyNode()
            node.diskStalledUntil = now + random.faults.time(1000...faults.longestStall)
            trace.note(now, "the disk of node \(node.id) stalls until \(node.diskStalledUntil)")
        }
        if random.faults.chance(perMille: faults.syncFailure) { anyNode().disk.failsNextSync = true }
        if random.faults.chance(perMille: faults.diskFull) {
            let node = anyNode()
            marks.hit(.diskFull)
            node.disk.isFull = true
            queue.schedule(.diskHasRoom(node.place), at: now + random.faults.time(100_000...3_000_000))
        }
        if random.faults.chance(perMille: faults.bitFlip) {
            let node = anyNode()
            if mayDamage(node), let file = node.disk.flipBit(&random.faults) {
                marks.hit(.bitFlipped)
                node.isDamaged = true
                trace.note(now, "a bit of \(file) of node \(node.id) flips")
            }
        }
        if random.faults.chance(perMille: faults.misdirection) {
            let node = anyNode()
            if mayDamage(node) {
                marks.hit(.writeMisdirected)
                node.isDamaged = true
                node.disk.misdirection = SimulatedDisk.sectorBytes * random.faults.pick([-2, -1, 1, 2, 8])
                trace.note(now, "a write of node \(node.id) will go astray")
            }
        }
    }

    // MARK: Links

    private func drawLinkFault() {
        guard nodes.count > 1 else { return }
        let faults = options.faults
        if random.faults.chance(perMille: faults.cut) { drawCut() }
        if random.faults.chance(perMille: faults.clog) {
            let (from, to) = anyPair()
            marks.hit(.linkClogged)
            links[from, to].cloggedUntil = now + random.faults.time(50_000...3_000_000)
        }
        if random.faults.chance(perMille: faults.linkFlap) {
            let (from, to) = anyPair()
            closeLink(from, to)
        }
        if random.faults.chance(perMille: faults.swizzle) { swizzle() }
    }

    private func anyPair() -> (Int, Int) {
        let pair = random.faults.shuffled(Array(nodes.indices))
        return (pair[0], pair[1])
    }

    /// Who is cut from whom: one from all, two sides, a ring, any set of links; in both directions or in one.
    private func drawCut() {
        marks.hit(.linkCut)
        let places = random.faults.shuffled(Array(nodes.indices))
        let isSymmetric = random.faults.chance(perMille: 600)
        let closing = random.faults.chance(perMille: 400)
        let end = now + random.faults.time(50_000...4_000_000)
        var pairs: [(Int, Int)] = []
        switch random.faults.number(0...3) {
        case 0: pairs = places.dropFirst().map { (places[0], $0) }
        case 1:
            let size = random.faults.number(1...places.count)
            for one in places[..<size] { for other in places[size...] { pairs.append((one, other)) } }
        case 2:
            // Each hears its neighbours in a ring: every node has a majority of another kind.
            for one in places.indices {
                for other in places.indices {
                    let distance = (other - one + places.count) % places.count
                    if distance != 0, distance != 1, distance != places.count - 1 {
                        pairs.append((places[one], places[other]))
                    }
                }
            }
        default:
            for one in places {
                for other in places where one != other && random.faults.chance(perMille: 300) {
                    pairs.append((one, other))
                }
            }
        }
        trace.note(now, "cut \(pairs.map { "\($0.0 + 1)→\($0.1 + 1)" }) \(isSymmetric ? "both ways " : "")until \(end)")
        let isReversed = random.faults.chance(perMille: 500)
        for (from, to) in pairs {
            if isSymmetric || !isReversed { cut(from, to, until: end, closing: closing) }
            if isSymmetric || isReversed { cut(to, from, until: end, closing: closing) }
        }
    }

    // MARK: At the worst moment

    func leaderWasElected(_ process: Process) {
        guard isDisturbed, random.faults.chance(perMille: options.faults.changeAtElection) else { return }
        queue.schedule(.reconfigure(process), at: now)
    }

    func takesSnapshotAtChange() -> Bool {
        isDisturbed && random.faults.chance(perMille: options.faults.snapshotAtChange)
    }

    /// The leader and some of the others do not hear the rest for a while, and are not heard.
    func isInChange(_ leader: Process) {
        guard isDisturbed, random.faults.chance(perMille: options.faults.cutAtChange) else { return }
        cutOff(nodes.filter { $0 === leader.node || random.faults.chance(perMille: 400) })
    }

    func newcomerReadsOfVote(_ newcomer: Process) {
        guard isDisturbed, random.faults.chance(perMille: options.faults.cutNewcomer) else { return }
        cutOff([newcomer.node])
    }

    private func cutOff(_ companions: [Node]) {
        marks.hit(.linkCut)
        let end = now + random.faults.time(200_000...4_000_000)
        trace.note(now, "\(companions.map(\.id)) are cut off from the rest until \(end)")
        for node in nodes where !companions.contains(where: { $0 === node }) {
            for companion in companions {
                cut(companion.place, node.place, until: end, closing: false)
                cut(node.place, companion.place, until: end, closing: false)
            }
        }
    }

    func toldToTakeOver(_ target: NodeID) {
        guard isDisturbed, random.faults.chance(perMille: options.faults.cutAtTransfer) else { return }
        marks.hit(.linkCut)
        let place = Int(target.rawValue) - 1
        let end = now + random.faults.time(200_000...4_000_000)
        trace.note(now, "nobody hears node \(target) until \(end)")
        for other in nodes.indices where other != place { cut(place, other, until: end, closing: false) }
    }

    /// A leader that stops now finds the answers when it goes on, and others may lead by then.
    func askedForAnswer(_ leader: Process) {
        guard isDisturbed, !leader.node.isPaused(at: now),
            random.faults.chance(perMille: options.faults.pauseAtHeartbeat)
        else { return }
        let election = options.settings.electionMilliseconds * 1000
        pause(leader.node, for: election...election * 5)
    }

    /// Links of one node stop one after the other and come back in another order (FoundationDB's swizzle-clogging).
    private func swizzle() {
        marks.hit(.linkClogged)
        let victim = anyNode().place
        for peer in nodes.indices where peer != victim {
            let stop = now + random.faults.time(1000...1_000_000)
            let go = stop + random.faults.time(1000...2_000_000)
            queue.schedule(.cut(victim, peer, until: go), at: stop)
            queue.schedule(.cut(peer, victim, until: go + random.faults.time(0...500_000)), at: stop)
        }
    }
}
