import ClusterState
import Raft
import WriteAheadLog

// Processes begin and end.
extension World {
    func start(_ node: Node) {
        precondition(node.process == nil, "a running node is not started")
        let oldest = max(options.node.oldestVersion, versionInForce)
        node.version = UInt32(random.faults.number(Int(oldest)...Int(ClusterState.supportedMachineVersion)))
        let job = DiskJob()
        let result: Result<Recovery, Recovery.Refusal>
        do throws(Recovery.Refusal) {
            result = .success(
                try node.disk.run(job) { () throws(Recovery.Refusal) in
                    try Recovery.run(
                        node, bootstrap: membership.isVoter(node.id) ? membership : .empty, limits: options.node.log)
                })
        } catch {
            result = .failure(error)
        }
        if isDisturbed, random.faults.chance(perMille: options.faults.crashAtStart) {
            marks.hit(.crashedAtStart)
            node.disk.crash(&random.disk)
            return restartLater(node)
        }
        node.disk.complete(job)
        switch result {
        case .success(let recovery):
            node.refusal = nil
            if recovery.hadTornTail { marks.hit(.tornTailCut) }
            monitor.started(node, recovery.restored)
            run(node, recovery)
        case .failure(let refusal):
            marks.hit(.startRefused)
            trace.note(now, "node \(node.id) does not start: \(refusal.reason)")
            if refusal.isPassing { return restartLater(node) }
            node.refusal = refusal.reason
            // A damaged disk is refused rather than trusted; one that only lost power is not damaged.
            if !node.isDamaged {
                fail(Violation("RecoveryKeepsPromises", "node \(node.id) refuses its sound disk: \(refusal.reason)"))
            }
        }
    }

    private func run(_ node: Node, _ recovery: Recovery) {
        var settings = options.settings
        settings.seed = random.clock.next()
        settings.priority -= UInt64(random.clock.number(0...options.node.lowestPriority))
        let drift = options.node.clockDrift
        node.clockDrift = drift == 0 ? 0 : random.clock.number(-drift...drift)
        let process = Process(world: self, node: node, recovery: recovery, settings: settings)
        node.process = process
        node.pausedUntil = 0
        trace.note(
            now, "node \(node.id) starts, boot \(process.boot), version \(node.version), \(process.raft.lastLog)")
        process.start()
        for peer in nodes.indices where peer != node.place {
            // A peer that still holds on to the old process learns that it is gone.
            if links[peer, node.place].isUp { closeLink(peer, node.place) } else { dialLater(peer, node.place) }
            dialLater(node.place, peer)
        }
    }

    func restart(_ node: Node) {
        node.isRestarting = false
        if node.process == nil, !node.staysDown { start(node) }
    }

    func restartLater(_ node: Node) {
        guard !node.isRestarting else { return }
        node.isRestarting = true
        queue.schedule(.restart(node.place), at: now + random.faults.time(1000...2_000_000))
    }

    // MARK: Ends

    /// The machine loses power.
    func crash(_ node: Node, closing: Bool) {
        end(node, closing: closing)
        node.disk.crash(&random.disk)
    }

    /// The process ends; what it wrote is in the machine's memory, synced or not.
    func exit(_ node: Node, because reason: String) {
        guard node.process != nil else { return }
        trace.note(now, "node \(node.id) ends: \(reason)")
        end(node, closing: true)
        node.disk.endProcess(&random.disk)
        restartLater(node)
    }

    /// Something in the log or in a snapshot is newer than the node's program, which ends: it is upgraded, and starts again.
    func mustUpgrade(_ process: Process, to version: UInt32) {
        do throws(Violation) {
            try VersionGate.check(process, asked: version)
        } catch {
            return fail(error)
        }
        marks.hit(.upgradeRequired)
        versionInForce = max(versionInForce, version)
        exit(process.node, because: "it needs machine version \(version)")
    }

    private func end(_ node: Node, closing: Bool) {
        guard let process = node.process else { return }
        marks.hit(.processEnded)
        process.isAlive = false
        node.process = nil
        node.pausedUntil = 0
        dropLinks(of: node.place, closing: closing)
        process.failAll()
    }

    /// Whether the node dies now, between two effects of one step.
    func crashesHere(_ node: Node) -> Bool {
        guard isDisturbed, random.faults.chance(perMillion: options.faults.crashAtEffect) else { return false }
        marks.hit(.crashedBetweenEffects)
        trace.note(now, "node \(node.id) crashes between two effects")
        crash(node, closing: random.faults.chance(perMille: 500))
        restartLater(node)
        return true
    }
}
