import Raft

extension World {
    // MARK: Frames

    func send(_ frame: Frame, from: Int, to: Int) {
        guard links[from, to].isUp else { return }
        let options = options.network
        if links[from, to].isCut(at: now) { return }
        var copies = 1
        if isDisturbed {
            guard links[from, to].framesUnderWay < options.capacity else {
                marks.hit(.linkOverflowed)
                return
            }
            if random.network.chance(perMillion: options.loss) {
                marks.hit(.frameLost)
                return
            }
            if frame.mayBeDuplicated, random.network.chance(perMillion: options.duplication) {
                marks.hit(.frameDuplicated)
                copies = 2
            }
        }
        for _ in 0..<copies { deliverLater(frame, from: from, to: to) }
    }

    private func deliverLater(_ frame: Frame, from: Int, to: Int) {
        let options = options.network
        var time = now + random.network.time(options.delay)
        if isDisturbed, random.network.chance(perMillion: options.slowness) {
            time += random.network.time(options.slowDelay)
        }
        time = max(time, links[from, to].cloggedUntil)
        let last = frame.isBulk ? links[from, to].lastBulkDelivery : links[from, to].lastDelivery
        if isDisturbed, random.network.chance(perMillion: options.reordering) {
            marks.hit(.frameReordered)
        } else {
            time = max(time, last)
        }
        if frame.isBulk {
            links[from, to].lastBulkDelivery = max(last, time)
        } else {
            links[from, to].lastDelivery = max(last, time)
        }
        links[from, to].framesUnderWay += 1
        queue.schedule(.frame(frame, from: from, to: to, connection: links[from, to].connection), at: time)
    }

    func deliver(_ frame: Frame, from: Int, to: Int, connection: UInt32) {
        links[from, to].framesUnderWay -= 1
        guard let process = nodes[to].process, !links[from, to].isCut(at: now),
            connection >= links[from, to].firstConnection,
            options.network.framesOutliveConnections || links[from, to].connection == connection
        else { return }
        process.receive(frame, from: nodes[from].id)
    }

    // MARK: Connections

    /// Tries to connect until it succeeds.
    func dialLater(_ from: Int, _ to: Int) {
        guard !links[from, to].isDialling else { return }
        links[from, to].isDialling = true
        queue.schedule(.dial(from, to), at: now + random.network.time(options.network.dialPause))
    }

    func dial(_ from: Int, _ to: Int) {
        links[from, to].isDialling = false
        guard let process = nodes[from].process, !links[from, to].isUp else { return }
        guard let other = nodes[to].process, !nodes[to].isPaused(at: now), !links[from, to].isCut(at: now),
            !links[to, from].isCut(at: now), process.accepts(nodes[to]), other.accepts(nodes[from])
        else { return dialLater(from, to) }
        links[from, to].isUp = true
        process.linkChanged(nodes[to].id, isUp: true)
    }

    /// The sender's connection ends, and it is told so.
    func closeLink(_ from: Int, _ to: Int) {
        queue.schedule(
            .linkClosed(from, to, connection: links[from, to].connection),
            at: now + random.network.time(options.network.delay))
    }

    /// - Parameter isTold: a connection that fell silent is not one that closed.
    func linkEnded(_ from: Int, _ to: Int, connection: UInt32, isTold: Bool) {
        guard links[from, to].isUp, links[from, to].connection == connection else { return }
        links[from, to].isUp = false
        links[from, to].connection &+= 1
        dialLater(from, to)
        nodes[from].process?.linkChanged(nodes[to].id, isUp: false, isTold: isTold)
    }

    /// All of a process's own connections are gone with it. Its peers learn of it at once from its kernel, or late, if the
    /// whole machine is dead.
    func dropLinks(of place: Int, closing: Bool) {
        for peer in nodes.indices where peer != place {
            links[place, peer].isUp = false
            links[place, peer].connection &+= 1
            if closing { closeLink(peer, place) } else { noteSilence(peer, place) }
        }
    }

    /// Whatever was sent on their connections so far is lost.
    func forgetConnections(of place: Int) {
        for peer in nodes.indices where peer != place {
            links[place, peer].forgetConnections()
            links[peer, place].forgetConnections()
        }
    }

    func noteSilence(_ from: Int, _ to: Int) {
        guard links[from, to].isUp else { return }
        queue.schedule(
            .linkSilent(from, to, connection: links[from, to].connection), at: now + options.network.silenceLimit)
    }

    func linkSilent(_ from: Int, _ to: Int, connection: UInt32) {
        // Frames of one direction do not pass, or nobody answers: the connection is given up.
        let isSilent =
            nodes[to].process == nil || links[from, to].isCut(at: now) || links[to, from].isCut(at: now)
        if isSilent { linkEnded(from, to, connection: connection, isTold: false) }
    }

    // MARK: Cuts

    /// Frames from one node to the other vanish until then.
    func cut(_ from: Int, _ to: Int, until time: UInt64, closing: Bool) {
        guard from != to else { return }
        links[from, to].cutUntil = max(links[from, to].cutUntil, time)
        if closing {
            closeLink(from, to)
            closeLink(to, from)
        } else {
            noteSilence(from, to)
            noteSilence(to, from)
        }
    }

    func heal(_ from: Int, _ to: Int) {
        links[from, to].cutUntil = 0
        links[from, to].cloggedUntil = 0
        if !links[from, to].isUp, nodes[from].process != nil { dialLater(from, to) }
    }
}

/// The directed links of a world.
struct Links {
    private var links: [Link]
    private let count: Int

    init(nodes: Int) {
        count = nodes
        links = Array(repeating: Link(), count: nodes * nodes)
    }

    subscript(from: Int, to: Int) -> Link {
        _read { yield links[from * count + to] }
        _modify { yield &links[from * count + to] }
    }
}
