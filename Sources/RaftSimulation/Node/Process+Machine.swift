import ClusterState
import Raft
import WriteAheadLog

/// What the applying thread is asked to do.
enum MachineRequest {
    case apply([Entry])
    /// A snapshot that came from the leader, durable and marked in the log.
    case install(SnapshotFiles.Stored)
}

// The thread that applies committed entries, in order, and takes snapshots of what it applied.
extension Process {
    func post(_ request: MachineRequest) {
        machineRequests.append(request)
        startApplying()
    }

    private func startApplying() {
        guard !isApplying, !machineRequests.isEmpty else { return }
        isApplying = true
        world.queue.schedule(.machineDone(self), at: world.now + world.random.disk.time(world.options.node.applyDelay))
    }

    func machineDone() {
        switch machineRequests[0] {
        case .apply(let entries):
            machineRequests.removeFirst()
            isApplying = false
            apply(entries)
        case .install(let stored):
            // The snapshot that is being written has its place first.
            installWaits = isWritingSnapshot
            guard !installWaits else { return }
            machineRequests.removeFirst()
            isApplying = false
            installState(stored)
        }
        guard isAlive else { return }
        startApplying()
    }

    private func apply(_ entries: [Entry]) {
        guard let last = entries.last else { return }
        var completions: [(sequence: UInt64, outcome: Outcome)] = []
        for entry in entries {
            precondition(entry.index == covered.position.index.next, "entries are applied in order")
            guard let applied = apply(entry) else { return }
            for payload in applied.payloads { payloads.put(SimulatedPayloads.id(payload.digest), payload.bytes) }
            world.monitor.applied(self, entry, applied)
            world.versionInForce = max(world.versionInForce, machine.machineVersion)
            if applied.session == session { completions.append((applied.sequence, applied.outcome)) }
            for change in applied.assignments { take(change) }
            covered.position = LogPosition(index: entry.index, term: entry.term)
        }
        entriesSinceSnapshot += entries.count
        if entries.contains(where: { $0.kind == .configuration }), world.takesSnapshotAtChange() {
            entriesSinceSnapshot = world.options.node.snapshotAfterEntries
        }
        step(.applied(last.index))
        noteRecognition()
        guard isAlive else { return }
        for completion in completions { complete(completion.sequence, completion.outcome) }
        answerAppliedWaiters()
        snapshotIfDue()
    }

    private func apply(_ entry: Entry) -> Applied? {
        switch entry.kind {
        case .command:
            do throws(UpgradeRequired) {
                return try machine.apply(index: entry.index, term: entry.term, entry: entry.data)
            } catch {
                world.mustUpgrade(self, to: error.machineVersion ?? ClusterState.supportedMachineVersion)
                return nil
            }
        case .configuration:
            guard let membership = try? Membership(decoding: entry.data) else {
                world.fail(Violation("StateMachine", "configuration \(entry.index) cannot be read"))
                return nil
            }
            covered.membership = membership
            return machine.applyInternal(index: entry.index, term: entry.term, membership: membership)
        case .noop: return machine.applyInternal(index: entry.index, term: entry.term)
        }
    }

    /// The image is immutable: it is written beside while entries go on being applied.
    private func snapshotIfDue() {
        guard !isWritingSnapshot, entriesSinceSnapshot >= world.options.node.snapshotAfterEntries else { return }
        entriesSinceSnapshot = 0
        // Without it the log only grows; the next one tries again.
        if node.disk.isFull { return }
        guard let manifest = savePayloads() else { return }
        if world.crashesHere(node) { return }
        let bytes = SnapshotFiles.encode(covered, manifest, state: machine.snapshotBytes)
        let job = DiskJob()
        let files = SnapshotFiles(disk: node.disk)
        guard (try? node.disk.run(job, { try files.write(bytes, as: SnapshotFiles.writingName) })) != nil,
            let stored = SnapshotFiles.decode(bytes, name: SnapshotFiles.writingName)
        else { return node.disk.complete(job) }
        isWritingSnapshot = true
        world.queue.schedule(.snapshotWritten(self, stored, job), at: world.timeAfterWrite(node))
    }

    /// Nil if the disk does not take them.
    private func savePayloads() -> PayloadManifest? {
        let references = machine.payloads.map {
            NeededPayload(id: SimulatedPayloads.id($0.digest), length: Int($0.length))
        }
        let mark = payloads.mark()
        do throws(PayloadStoreError) {
            return try node.disk.runAtOnce { () throws(PayloadStoreError) in
                try payloads.save(references, takenAt: mark)
            }
        } catch {
            if case .missing = error, !node.isDamaged {
                world.fail(Violation("PayloadDurable", "node \(id) has lost a payload that its state needs"))
            }
            return nil
        }
    }

    func snapshotWritten(_ written: SnapshotFiles.Stored, _ job: DiskJob) {
        node.disk.complete(job)
        isWritingSnapshot = false
        let files = SnapshotFiles(disk: node.disk)
        if case .adopted(let stored) = try? node.disk.runAtOnce({ try files.adopt(written) }) {
            world.marks.hit(.snapshotTaken)
            node.durable.saved(stored.descriptor.position)
            node.disk.runAtOnce {
                payloads.collect(keeping: stored.manifest, of: stored.descriptor.position.index.rawValue)
            }
            snapshotSaved(stored)
        }
        guard isAlive else { return }
        if installWaits { machineDone() }
    }

    private func installState(_ stored: SnapshotFiles.Stored) {
        var state: ClusterState
        do throws(SnapshotError) {
            state = try ClusterState(snapshot: stored.state, supporting: node.version)
        } catch {
            if case .upgradeRequired(_, let version) = error { return world.mustUpgrade(self, to: version) }
            return world.fail(Violation("Snapshot", "a received snapshot holds no state: \(error)"))
        }
        state.payloadSource = SimulatedPayloads(payloads)
        world.monitor.installed(self, state)
        machine = state
        covered = stored.descriptor
        entriesSinceSnapshot = 0
        snapshotInstalled(stored.descriptor)
        noteRecognition()
        guard isAlive else { return }
        for task in machine.assignments(of: id, boot: boot) {
            if let assignment = machine.task(task)?.assignment { take(.assigned(task, assignment)) }
        }
        answerAppliedWaiters()
    }
}
