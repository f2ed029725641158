import ClusterState
import Raft

// What a node does at a pace: give up what has waited too long, ask again, announce itself, and, as the leader, fire timers and
// judge who is gone. Mirrors `RaftLoop`'s housekeeping and the duties of `Orchestration` that change replicated state.
extension Process {
    func housekeeping() {
        guard isAlive else { return }
        let now = localTime
        failProposals { $0.deadline <= now }
        failReads { $0 <= now }
        watchMajority(now)
        if raft.standing.leader != nil {
            forwardOrPropose(
                proposals.toSubmit(now: now, onlyOverdue: true, after: world.options.node.resubmitAfter))
        }
        guard isAlive else { return }
        requestReads()
        endRefusedLinks()
        if now >= nextRegistration { announce(now) }
        guard isAlive else { return }
        if raft.standing.role == .leader { lead(now) }
        guard isAlive else { return }
        world.queue.schedule(.housekeeping(self), at: world.now + 100_000)
    }

    private func watchMajority(_ now: UInt64) {
        let connected = raft.membership.isQuorum { $0 == id || isReachable[Int($0.rawValue) - 1] }
        guard !connected else {
            majorityLostAt = nil
            return
        }
        majorityLostAt = majorityLostAt ?? now
        if hasLostMajority { failAll() }
    }

    var hasLostMajority: Bool {
        guard let majorityLostAt else { return false }
        return majorityLostAt + world.options.node.noQuorumAfter <= localTime
    }

    /// Whoever finds no cluster makes one, and whoever finds itself unknown or gone registers.
    private func announce(_ now: UInt64) {
        guard raft.standing.leader != nil, !isTerminating, raft.membership.members.contains(id) else { return }
        if machine.shallLeave(id) { return leave(now) }
        if machine.clusterID == nil {
            var created = ClusterCreated()
            created.clusterID = "simulation"
            created.generation = 1
            // Before the second version the command had no such field.
            let version = beginningVersion
            created.machineVersion = version == 1 ? 0 : version
            // What ended and is persisted goes at once.
            created.settings.retainedLimitBytes = 1
            nextRegistration = now + 500_000
            return proposeOutsideSession(.clusterCreated(created))
        }
        let known = machine.node(id)
        if known?.record.bootID == boot.rawValue, known?.status == .available { return }
        var available = NodeAvailable()
        available.nodeID = id.rawValue
        available.bootID = boot.rawValue
        available.incarnation = node.incarnation
        available.name = "node-\(id)"
        available.slots = 2
        available.machineVersionMax = node.version
        nextRegistration = now + 500_000
        proposeOutsideSession(.nodeAvailable(available))
    }

    /// One that every member can apply; the first, while one of them has not been heard.
    private var beginningVersion: UInt32 {
        let others = raft.membership.members.filter { $0 != id }.map { Int($0.rawValue) - 1 }
        guard others.allSatisfy({ isReachable[$0] }) else { return 1 }
        return others.map { world.nodes[$0].version }.min().map { min($0, node.version) } ?? node.version
    }

    /// Every member can apply more than the state is told to.
    private func raiseVersion() {
        let lowest = machine.nodes.map(\.record.machineVersionMax).min() ?? 0
        let version = min(lowest, node.version)
        guard version > machine.machineVersion, raft.membership.members.allSatisfy({ machine.node($0) != nil }) else {
            return
        }
        world.marks.hit(.versionRaised)
        var raised = SetMachineVersion()
        raised.version = version
        proposeOutsideSession(.setMachineVersion(raised))
    }

    private func lead(_ now: UInt64) {
        let time = clockBase.time + (now - clockBase.local)
        if let due = machine.nextTimer, due.microseconds <= time {
            var timers = TimersDue()
            timers.timeMicroseconds = time
            proposeOutsideSession(.timersDue(timers))
        }
        persist()
        guard isAlive, raft.standing.role == .leader else { return }
        raiseVersion()
        guard isAlive, raft.standing.role == .leader else { return }
        reconcileMembers()
        guard isAlive, raft.standing.role == .leader else { return }
        let silent = raft.peers.filter { now / 1000 > $0.lastContact.rawValue + 1000 }.map(\.id)
        let strangers = machine.nodes.map(\.id).filter { !raft.membership.members.contains($0) }
        for peer in silent + strangers {
            guard let known = machine.node(peer), known.status == .available else { continue }
            var left = NodeLeft()
            left.nodeID = peer.rawValue
            left.bootID = known.record.bootID
            left.proposerTerm = raft.standing.term.rawValue
            world.marks.hit(.nodeJudgedGone)
            proposeOutsideSession(.nodeLeft(left))
            guard isAlive else { return }
        }
    }

    /// As a projector does whose database never fails: what executors have ended leaves the state. Clients' keys stay.
    private func persist() {
        let done = machine.outbox(limit: 256, byteLimit: .max).filter { item in
            item.key.id.utf8.starts(with: Workload.executedPrefix.utf8)
                && machine.task(item.key)?.status.isTerminal == true
        }
        guard !done.isEmpty else { return }
        var persisted = Persisted()
        persisted.generation = UInt32(machine.generation)
        persisted.tasks = done.map { item in
            var task = PersistedTask()
            task.tenant = item.key.tenant
            task.taskID = item.key.id
            task.revision = item.revision.rawValue
            return task
        }
        proposeOutsideSession(.persisted(persisted))
    }

    // MARK: Work

    /// Executes what is assigned to this process: one step a task.
    func take(_ change: AssignmentChange) {
        switch change {
        case .assigned(let task, let assignment):
            guard assignment.node == id, assignment.boot == boot else { return }
            world.queue.schedule(
                .work(self, task, assignment.epoch),
                at: world.now + world.random.workload.time(world.options.workload.workTime))
        case .released: break  // Whatever it still says is fenced.
        case .cancelRequested(let task, let assignment):
            guard assignment.node == id, assignment.boot == boot else { return }
            var acknowledged = CancelAcknowledged()
            acknowledged.taskID = task.id
            acknowledged.epoch = assignment.epoch.rawValue
            world.queue.schedule(.proposal(self, .cancelAcknowledged(acknowledged)), at: world.now)
        }
    }

    func work(on task: TaskKey, _ epoch: Epoch) {
        guard hasSession else { return }
        var completed = StepCompleted()
        completed.taskID = task.id
        completed.epoch = epoch.rawValue
        completed.outcomeCode = .completed
        var finish = Finish()
        finish.outcomeCode = .completed
        completed.finish = finish
        propose(.stepCompleted(completed), for: nil)
    }
}
