import Glibc

/// The processes that play, and what there is left to play.
struct Crew {
    private var next: UInt64
    private let end: UInt64
    private let seconds: Double?
    private let size: Int
    private let hireWorker: (Range<UInt64>) -> Worker?
    private var workers: [Worker] = []
    private var tally: Tally
    private let start = Self.now
    private static let seedsAtOnce: UInt64 = 100

    /// - Parameter hireWorker: starts a process for the seeds. Nil if it cannot; `errno` says why.
    init(
        from: UInt64, seeds: UInt64?, seconds: Double?, workers: Int,
        hireWorker: @escaping (Range<UInt64>) -> Worker? = { Worker.ofThisProgram($0) }
    ) {
        next = from
        end = seeds.map { from + $0 } ?? .max
        self.seconds = seconds
        size = workers
        self.hireWorker = hireWorker
        tally = Tally(asked: seeds)
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
        let last = next + min(end - next, Self.seedsAtOnce)
        if hire(for: next..<last) { next = last } else { next = end }
    }

    /// False if no process can be started: then the seeds stay unplayed, which the tally says.
    private mutating func hire(for seeds: Range<UInt64>) -> Bool {
        guard let worker = hireWorker(seeds) else {
            let reason = String(cString: strerror(errno))
            tally.stopped("no process can be started from seed \(seeds.lowerBound) on: \(reason)")
            return false
        }
        workers.append(worker)
        return true
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

    /// A worker that died in the middle of a seed has most likely met a broken assertion; the seeds after it are another's. One
    /// that died between two seeds was ended by something else, which would end the next as well.
    private mutating func ended(_ worker: Worker) {
        let end = worker.reap().map { "died of signal \($0)" } ?? "ended"
        if let seed = worker.current {
            let reason = "the process \(end) in the midst of it: does an assertion of the product not hold?"
            Terminal.say("FAILED seed \(seed): \(reason)")
            tally.died(seed, reason)
            let rest = (seed + 1)..<max(seed + 1, worker.seeds.upperBound)
            if !rest.isEmpty { _ = hire(for: rest) }
        } else if !worker.seeds.isEmpty {
            tally.stopped("a process \(end) before seed \(worker.seeds.lowerBound), which it was to play")
        }
    }
}
