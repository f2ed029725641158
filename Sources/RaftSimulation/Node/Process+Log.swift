import Raft
import WriteAheadLog

/// What the log's thread is asked to do.
enum LogRequest {
    case write(Write)
    case install(LogPosition, truncateFrom: LogIndex?, SnapshotFiles.Stored)
    case compact(LogPosition, snapshot: LogPosition)
    case spare(Result<PreparedSpare, WriteAheadLogError>)
}

/// A batch on its way to the disk: what is left to do, and what is to be told once it is durable.
final class LogJob {
    enum Step {
        case records([LogRecord])
        case compact(LogPosition)
        case spare(Result<PreparedSpare, WriteAheadLogError>)
        case tell(Told)
    }

    enum Told {
        case persisted(WriteToken)
        case installed(SnapshotFiles.Stored)
    }

    let disk = DiskJob()
    var steps: ArraySlice<Step> = []
    /// Records of the present step that are not in the log yet.
    var rest: ArraySlice<LogRecord> = []
    /// Records wait in the log for a sync that found no space.
    var needsSync = false
    var told: [Told] = []
    var settled: [Step] = []
}

// The thread that owns the log: while one sync runs, what arrives gathers; the next takes all of it. The disk is written when
// the batch begins, and is durable when it ends: a crash in between keeps any part.
extension Process {
    func post(_ request: LogRequest) {
        logRequests.append(request)
        startLogJob()
    }

    private func startLogJob() {
        guard logJob == nil, !logRequests.isEmpty else { return }
        let batch = logRequests
        logRequests = []
        let job = LogJob()
        job.steps = steps(of: batch)[...]
        node.isTruncating = batch.contains { request in
            switch request {
            case .write(let write): write.truncateFrom != nil
            case .install: true
            case .compact, .spare: false
            }
        }
        logJob = job
        runLogJob()
    }

    private func steps(of batch: [LogRequest]) -> [LogJob.Step] {
        var steps: [LogJob.Step] = []
        var records: [LogRecord] = []
        var token: WriteToken?
        func flush() {
            if !records.isEmpty { steps.append(.records(records)) }
            records = []
            if let token { steps.append(.tell(.persisted(token))) }
            token = nil
        }
        for request in batch {
            switch request {
            case .write(let write):
                records.append(contentsOf: write.records)
                token = write.token
            case .install(let position, let truncateFrom, let stored):
                if let truncateFrom { records.append(.truncate(from: truncateFrom.rawValue)) }
                records.append(.snapshot(position))
                flush()
                steps.append(.compact(position))
                steps.append(.tell(.installed(stored)))
            case .compact(let position, let snapshot):
                records.append(.snapshot(snapshot))
                flush()
                steps.append(.compact(position))
            case .spare(let result): steps.append(.spare(result))
            }
        }
        flush()
        return steps
    }

    /// Does what can be done now. A full disk is not a broken one: the job goes on when there is room.
    func runLogJob() {
        guard let job = logJob else { preconditionFailure("a job runs while it is there") }
        do throws(WriteAheadLogError) {
            try node.disk.run(job.disk) { () throws(WriteAheadLogError) in try perform(job) }
        } catch {
            guard case .noSpace = error else {
                world.marks.hit(.diskFailed)
                return world.exit(node, because: "the log failed: \(error)")
            }
            world.marks.hit(.logWaitedForSpace)
            world.queue.schedule(.logRetry(self), at: world.now + 200_000)
            return
        }
        world.queue.schedule(.logDone(self), at: world.timeAfterWrite(node))
    }

    private func perform(_ job: LogJob) throws(WriteAheadLogError) {
        while true {
            if job.needsSync {
                try log.sync()
                job.needsSync = false
            }
            if !job.rest.isEmpty {
                job.rest = job.rest.dropFirst(try log.append(job.rest))
                job.needsSync = true
                continue
            }
            guard let step = job.steps.first else { return }
            switch step {
            case .records(let records):
                job.rest = records[...]
                job.settled.append(step)
            case .compact(let position):
                let segments = try log.compact(
                    through: .init(index: position.index.rawValue, term: position.term.rawValue))
                if segments > 0 {
                    world.marks.hit(.segmentsRemoved)
                    job.settled.append(step)
                }
            case .spare(let result): log.finishSparePreparation(result)
            case .tell(let told): job.told.append(told)
            }
            job.steps = job.steps.dropFirst()
        }
    }

    func logDone() {
        guard let job = logJob else { preconditionFailure("the job that is done was there") }
        logJob = nil
        node.disk.complete(job.disk)
        node.isTruncating = false
        for step in job.settled {
            switch step {
            case .records(let records): node.durable.accept(records)
            case .compact(let position): node.durable.compact(through: position)
            case .spare, .tell: break
            }
        }
        for told in job.told {
            switch told {
            case .persisted(let token):
                step(.persisted(token))
                if isAlive { submitGathered() }
            case .installed(let stored): post(.install(stored))
            }
            guard isAlive else { return }
        }
        prepareSpare()
        startLogJob()
    }

    /// The next segment is filled beside.
    func prepareSpare() {
        guard let preparation = log.sparePreparation() else { return }
        let job = DiskJob()
        let result = node.disk.run(job) { preparation.run() }
        world.queue.schedule(.spareDone(self, job, result), at: world.timeAfterWrite(node))
    }

    func spareDone(_ job: DiskJob, _ result: Result<PreparedSpare, WriteAheadLogError>) {
        node.disk.complete(job)
        post(.spare(result))
    }
}
