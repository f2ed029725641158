import Raft

// A run: warm-up without faults, faults with quiet windows, a tail in which they end, a core of nodes that must serve while all
// others stay in trouble, everybody healed, and a look at what is left.
extension World {
    func play() {
        for node in nodes { queue.schedule(.restart(node.place), at: random.faults.time(0...100_000)) }
        mustSettle("warm-up") { self.members }
        workload.begin()
        run(for: 500_000)
        beginFaults(until: now + options.safetyTime)
        run(for: options.safetyTime)
        // The last that goes wrong has most chance to leave somebody behind for good.
        if random.faults.chance(perMille: options.faults.cutAtTransfer), let leader = newestLeader {
            administer(.transferLeadership(to: nil), at: leader.node)
        }
        run(for: 1_000_000)
        workload.end()
        isDisturbed = false
        if membersChange {
            // Only when a change that is under way is over is there one kind of quorum to draw.
            healAll()
            mustSettle("members") { self.members }
        }
        if let core = drawCore() {
            confine(to: core)
            mustServe("core of \(core.map(\.id))") { core }
        }
        healAll()
        let sound = nodes.filter { !$0.isDamaged || $0.process != nil }
        if sound.count > nodes.count / 2 {
            mustServe("healed cluster") { self.members.filter { !$0.isDamaged || $0.process != nil } }
        } else {
            // Beyond the atlas: it need not serve, and must not lie.
            run(for: bound)
        }
        guard violation == nil else { return }
        workload.checkDurability()
        workload.checkLinearizability()
    }

    /// Virtual time within which a cluster without faults must do what is asked, which begins with what a start applies again, and
    /// with what a member that missed everything gets, one entry a round trip where they are sent so.
    private var bound: UInt64 {
        let settings = options.settings
        let oldest = nodes.map(\.durable.snapshot.index).min() ?? .zero
        let entries = UInt64(monitor.committed.count) - min(UInt64(monitor.committed.count), oldest.rawValue)
        return 20_000 * (settings.electionMilliseconds + settings.electionJitterMilliseconds) + 12_000_000
            + entries * (options.node.applyDelay.upperBound + 2 * options.network.delay.upperBound)
    }

    // MARK: Core

    /// A quorum that is whole from now on; nil if too many disks are damaged for one. With those that catch up, because they may
    /// become voters at any moment.
    private func drawCore() -> [Node]? {
        let voters = voters
        var sound = random.faults.shuffled(voters.filter { !$0.isDamaged })
        let quorum = voters.count / 2 + 1
        guard violation == nil, sound.count >= quorum else { return nil }
        // Nobody is more in the way of a core than a leader outside it (P13, P14).
        if sound.count > quorum, random.faults.chance(perMille: 300) { sound.removeAll { $0 === newestLeader?.node } }
        let size = random.faults.number(quorum...sound.count)
        return (sound[..<size] + joining).sorted { $0.place < $1.place }
    }

    /// Whatever is wrong with the others stays wrong: they are down, or cut off in one direction or in both, or their disk
    /// stands still (P13).
    private func confine(to core: [Node]) {
        trace.note(now, "the core is \(core.map(\.id))")
        for node in core { repair(node) }
        for one in core { for other in core where one !== other { heal(one.place, other.place) } }
        for node in nodes where !core.contains(where: { $0 === node }) {
            let trouble = random.faults.number(0...4)
            if trouble == 0 || node.process == nil {
                if node.process != nil { crash(node, closing: random.faults.chance(perMille: 500)) }
                node.staysDown = true
                continue
            }
            if trouble == 4 {
                node.diskStalledUntil = .max
                continue
            }
            for member in core {
                if trouble != 1 { cut(node.place, member.place, until: .max, closing: trouble == 3) }
                if trouble != 2 { cut(member.place, node.place, until: .max, closing: trouble == 3) }
            }
        }
        for node in core where node.process == nil { start(node) }
    }

    private func repair(_ node: Node) {
        node.pausedUntil = min(node.pausedUntil, now)
        node.diskStalledUntil = min(node.diskStalledUntil, now)
        node.disk.isFull = false
        node.disk.failsNextSync = false
    }

    private func healAll() {
        guard violation == nil else { return }
        trace.note(now, "everything heals")
        for node in nodes {
            repair(node)
            node.staysDown = false
            if node.process == nil { start(node) }
        }
        for one in nodes { for other in nodes where one !== other { heal(one.place, other.place) } }
    }

    // MARK: Liveness

    private func mustSettle(_ phase: String, among members: () -> [Node]) {
        let settled = run(for: bound) { pendingReason(among: members()) == nil }
        if !settled, violation == nil {
            fail(
                Violation(
                    "Liveness",
                    "\(phase): \(pendingReason(among: members()) ?? "nothing") after \(bound) µs; \(described)"))
        }
    }

    /// They elect a leader, answer what is asked at each of them, and end with equal logs.
    private func mustServe(_ phase: String, among members: () -> [Node]) {
        mustSettle("\(phase), before it is asked anything", among: members)
        guard violation == nil else { return }
        var wanted: [(Node, Operation.Kind)] = []
        let everybody = members()
        for node in everybody { wanted += [(node, .create), (node, .add(1)), (node, .read)] }
        // A leader under load refuses, and is asked again.
        for _ in 0..<everybody.count * 3 where !wanted.isEmpty {
            let asked = wanted.compactMap { node, kind in
                node.process.map { (node, kind, workload.perform(kind, on: 0, by: -1, at: $0)) }
            }
            mustSettle(phase, among: members)
            guard violation == nil else { return }
            wanted = asked.filter { workload.operations[$0.2].result == .refused }.map { ($0.0, $0.1) }
            for (node, kind, id) in asked {
                let result = workload.operations[id].result
                switch result {
                case .done, .value, .refused: continue
                case .pending, .unknown, .absent:
                    return fail(Violation("Liveness", "\(phase): \(kind) at node \(node.id) gives \(result)"))
                }
            }
        }
        if !wanted.isEmpty { fail(Violation("Liveness", "\(phase): refused without end")) }
    }

    /// What these nodes still owe; nil when there is nothing.
    private func pendingReason(among members: [Node]) -> String? {
        guard let leader = newestLeader else { return "no leader" }
        let term = leader.raft.standing.term
        let last = leader.raft.lastLog.index
        if leader.raft.membership.isJoint { return "a change of the members is under way" }
        if let reason = reasonMembersChange(leader) { return reason }
        for node in members {
            guard let process = node.process else { return "node \(node.id) is down" }
            if process.isTerminating { return "node \(node.id) is ending" }
            let standing = process.raft.standing
            if standing.term != term || standing.leader != leader.id {
                return "node \(node.id) does not follow \(leader.id)"
            }
            if process.covered.position.index != last {
                return "node \(node.id) has applied \(process.covered.position.index) of \(last)"
            }
            if !process.hasSession { return "node \(node.id) has no session" }
            if !process.proposals.pending.isEmpty { return "node \(node.id) owes an outcome" }
            if !process.reads.next.isEmpty || !process.reads.asked.isEmpty || !process.appliedWaiters.isEmpty {
                return "node \(node.id) owes a read"
            }
            if process.majorityLostAt != nil { return "node \(node.id) misses links" }
            if process.logJob != nil { return "node \(node.id) is writing" }
        }
        return nil
    }

    private var described: String {
        nodes.map { node in
            guard let process = node.process else {
                return "\(node.id) down\(node.refusal.map { " (\($0))" } ?? "")"
            }
            let raft = process.raft
            let refused = nodes.filter { !process.accepts($0) }.map(\.id)
            return
                "\(node.id) \(raft.standing.role) term \(raft.standing.term) of \(raft.standing.leader.map { "\($0)" } ?? "nobody")"
                + " last \(raft.lastLog.index) commit \(raft.commitIndex) durable \(raft.durableIndex)"
                + " applied \(raft.appliedIndex)\(raft.installingSnapshot == nil ? "" : " installing")"
                + (refused.isEmpty ? "" : " refuses \(refused)") + (raft.isNewcomer ? " newcomer" : "")
                + " \(raft.membership)"
                + " peers \(raft.peers.map { "\($0.id):\($0.match)/\($0.next)" })"
        }.joined(separator: "; ")
    }
}
