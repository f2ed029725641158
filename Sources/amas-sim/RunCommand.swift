import ArgumentParser
import Glibc
import RaftSimulation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Plays many seeds, in several processes.")

    @Option(help: "How many seeds.")
    var seeds: UInt64?

    @Option(help: "For how long, instead of a number of seeds.")
    var minutes: Double?

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Processes at once; one a core if not given.")
    var jobs: Int?

    func validate() throws {
        guard seeds == nil || minutes == nil else { throw ValidationError("Either --seeds or --minutes.") }
        guard (jobs ?? 1) > 0 else { throw ValidationError("At least one job.") }
    }

    func run() throws {
        let count = jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var crew = Crew(
            from: from, seeds: minutes == nil ? seeds ?? 1000 : nil, seconds: minutes.map { $0 * 60 }, workers: count)
        let tally = crew.play()
        Terminal.print(tally.report(seconds: crew.elapsedSeconds))
        guard tally.failures.isEmpty, tally.void * 10 <= tally.seeds else { throw ExitCode(1) }
    }
}

/// The processes that play, and what there is left to play.
struct Crew {
    private var next: UInt64
    private let end: UInt64
    private let seconds: Double?
    private let size: Int
    private var workers: [Worker] = []
    private var tally = Tally()
    private let start = Self.now
    private static let seedsAtOnce: UInt64 = 100

    init(from: UInt64, seeds: UInt64?, seconds: Double?, workers: Int) {
        next = from
        end = seeds.map { from + $0 } ?? .max
        self.seconds = seconds
        size = workers
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    var elapsedSeconds: Double { Self.now - start }
    private var isOver: Bool { next >= end || seconds.map { elapsedSeconds >= $0 } ?? false }

    mutating func play() -> Tally {
        var told = elapsedSeconds
        while true {
            while workers.count < size, !isOver { hire() }
            if workers.isEmpty { return tally }
            listen()
            if let seconds, elapsedSeconds >= seconds { dismiss() }
            if elapsedSeconds - told >= 15 {
                told = elapsedSeconds
                Terminal.say("\(tally.seeds) seeds, \(tally.failures.count) failed, \(Int(told)) s")
            }
        }
    }

    private mutating func hire() {
        let last = min(end, next + Self.seedsAtOnce)
        guard let worker = Worker(seeds: next..<last, arguments: []) else {
            Terminal.say("no process can be started: \(String(cString: strerror(errno)))")
            next = end
            return
        }
        workers.append(worker)
        next = last
    }

    /// Time is over: what is under way does not count.
    private mutating func dismiss() {
        for worker in workers {
            worker.kill()
            _ = worker.reap()
        }
        workers = []
        next = end
    }

    private mutating func listen() {
        var descriptors = workers.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
        guard poll(&descriptors, nfds_t(descriptors.count), 500) > 0 else { return }
        for place in workers.indices.reversed() where descriptors[place].revents != 0 {
            if let lines = workers[place].lines() {
                for line in lines { take(line, from: place) }
            } else {
                ended(workers.remove(at: place))
            }
        }
    }

    private mutating func take(_ line: String, from place: Int) {
        if line.hasPrefix("begin "), let seed = UInt64(line.dropFirst(6)) {
            workers[place].begins(seed)
        } else if let end = WorkerLine(line) {
            if !end.violation.isEmpty { Terminal.say("FAILED seed \(end.seed): \(end.violation)") }
            tally.add(end)
            workers[place].ended(end.seed)
        }
    }

    /// A worker that died in the middle of a seed has met a broken assertion; the seeds after it are another's.
    private mutating func ended(_ worker: Worker) {
        let signal = worker.reap()
        guard let seed = worker.current else { return }
        let reason = "the process died of signal \(signal ?? 0): an assertion of the product does not hold"
        Terminal.say("FAILED seed \(seed): \(reason)")
        tally.failed(seed, reason)
        let rest = (seed + 1)..<max(seed + 1, worker.seeds.upperBound)
        if !rest.isEmpty, let successor = Worker(seeds: rest, arguments: []) { workers.append(successor) }
    }
}
