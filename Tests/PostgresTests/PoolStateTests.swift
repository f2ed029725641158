import Testing

@testable import Postgres

/// The pool's decisions as a value: no thread, no clock, no server.
@Suite("Pool state")
struct PoolStateTests {
    typealias State = PoolState<String>

    static func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    static func entry(_ number: UInt64, deadline: Int64 = 5000) -> State.Entry {
        State.Entry(id: RequestID(number: number), deadline: time(deadline), payload: "\(number)")
    }

    /// A pool whose workers are all connected and idle.
    static func idlePool(_ workers: Int, limits: PostgresLimits = PostgresLimits()) -> State {
        var state = State(workers: workers, limits: limits)
        for index in 0..<workers {
            state.connected(index, now: time(0))
            _ = state.next(index, now: time(0))
        }
        return state
    }

    static func running(_ step: State.Step) -> String? {
        if case .run(let entry) = step { entry.payload } else { nil }
    }

    @Test("requests run in the order they came")
    func order() {
        var state = Self.idlePool(1)
        for number in 1...3 { _ = state.submit(Self.entry(UInt64(number))) }
        for number in 1...3 {
            #expect(Self.running(state.next(0, now: Self.time(1))) == "\(number)")
            _ = state.finish(0, .ready, now: Self.time(1))
        }
    }

    @Test("each request wakes one sleeping worker, the one that worked last first")
    func wakes() {
        var state = Self.idlePool(2)
        #expect(state.submit(Self.entry(1)) == .queued(wake: 1, wakeTimekeeper: true))
        #expect(state.submit(Self.entry(2)) == .queued(wake: 0, wakeTimekeeper: true))
        #expect(state.submit(Self.entry(3)) == .queued(wake: nil, wakeTimekeeper: true))
    }

    @Test("the queue takes its limit and not one more")
    func queueLimit() {
        var limits = PostgresLimits()
        limits.queuedRequests = 3
        var state = Self.idlePool(1, limits: limits)
        for number in 1...3 {
            guard case .queued = state.submit(Self.entry(UInt64(number))) else { return #expect(Bool(false)) }
        }
        #expect(state.submit(Self.entry(4)) == .refused(.overloaded(queued: 3)))
        _ = state.next(0, now: Self.time(1))
        guard case .queued = state.submit(Self.entry(5)) else { return #expect(Bool(false), "a place was freed") }
    }

    @Test("the first attempt to connect is waited for; when the last one fails, all who wait are told")
    func outage() {
        var state = State(workers: 2, limits: PostgresLimits())
        #expect(state.submit(Self.entry(1)) == .queued(wake: nil, wakeTimekeeper: true))
        #expect(state.connectFailed(0, reason: "refused", retryAt: Self.time(100)).isEmpty)
        #expect(state.connectFailed(1, reason: "refused", retryAt: Self.time(100)).map(\.payload) == ["1"])
        #expect(state.submit(Self.entry(2)) == .refused(.unavailable(reason: "refused")))
        guard case .wait(until: Self.time(100)) = state.next(0, now: Self.time(50)) else {
            return #expect(Bool(false), "it waits for its turn")
        }
        guard case .connect = state.next(0, now: Self.time(100)) else { return #expect(Bool(false)) }
        state.connected(0, now: Self.time(101))
        guard case .queued = state.submit(Self.entry(3)) else { return #expect(Bool(false), "one is enough") }
    }

    @Test("what waits too long is ended at its deadline, and the timekeeper is woken only for an earlier one")
    func expiry() {
        var state = Self.idlePool(1)
        _ = state.submit(Self.entry(1, deadline: 300))
        #expect(state.expire(now: Self.time(0)).next == Self.time(300))
        #expect(state.submit(Self.entry(2, deadline: 400)) == .queued(wake: nil, wakeTimekeeper: false))
        #expect(state.submit(Self.entry(3, deadline: 200)) == .queued(wake: nil, wakeTimekeeper: true))
        let (expired, next) = state.expire(now: Self.time(300))
        #expect(expired.map(\.payload) == ["1", "3"])
        #expect(next == Self.time(400))
    }

    @Test("a cancelled request is taken back while it waits and interrupted while it runs")
    func cancellation() {
        var state = Self.idlePool(1)
        _ = state.submit(Self.entry(1))
        _ = state.submit(Self.entry(2))
        _ = state.next(0, now: Self.time(1))
        guard case .running(worker: 0) = state.cancel(RequestID(number: 1)) else { return #expect(Bool(false)) }
        guard case .removed(let entry) = state.cancel(RequestID(number: 2)) else { return #expect(Bool(false)) }
        #expect(entry.payload == "2")
        guard case .unknown = state.cancel(RequestID(number: 2)) else { return #expect(Bool(false)) }
    }

    @Test("a leased connection serves its owner only, until it is released")
    func leases() throws {
        var state = Self.idlePool(1)
        _ = state.submit(Self.entry(1))
        _ = state.next(0, now: Self.time(1))
        let lease = try #require(state.finish(0, .leased(until: Self.time(500)), now: Self.time(1)).lease)
        _ = state.submit(Self.entry(2))
        guard case .wait(until: Self.time(500)) = state.next(0, now: Self.time(2)) else {
            return #expect(Bool(false), "the stranger waits")
        }
        #expect(state.submit(Self.entry(3), to: lease) == .queued(wake: 0, wakeTimekeeper: false))
        #expect(Self.running(state.next(0, now: Self.time(3))) == "3")
        _ = state.finish(0, .released, now: Self.time(4))
        #expect(state.submit(Self.entry(4), to: lease) == .refused(.sessionEnded))
        #expect(Self.running(state.next(0, now: Self.time(5))) == "2")
    }

    @Test("a lease past its time is ended, also when its owner is silent")
    func leaseExpiry() throws {
        var state = Self.idlePool(1)
        _ = state.submit(Self.entry(1))
        _ = state.next(0, now: Self.time(1))
        let lease = try #require(state.finish(0, .leased(until: Self.time(500)), now: Self.time(1)).lease)
        guard case .endLease = state.next(0, now: Self.time(500)) else { return #expect(Bool(false)) }
        _ = state.submit(Self.entry(2), to: lease)
        #expect(state.finish(0, .released, now: Self.time(501)).abandoned.map(\.payload) == ["2"])
    }

    @Test("an owner's inbox has its own limit")
    func inboxLimit() throws {
        var limits = PostgresLimits()
        limits.queuedRequestsPerConnection = 2
        var state = Self.idlePool(1, limits: limits)
        _ = state.submit(Self.entry(1))
        _ = state.next(0, now: Self.time(1))
        let lease = try #require(state.finish(0, .leased(until: Self.time(500)), now: Self.time(1)).lease)
        _ = state.submit(Self.entry(2), to: lease)
        _ = state.submit(Self.entry(3), to: lease)
        #expect(state.submit(Self.entry(4), to: lease) == .refused(.overloaded(queued: 2)))
    }

    @Test("whatever happens, every accepted request is answered exactly once")
    func everyRequestOnce() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for _ in 0..<300 {
            var world = World(workers: Int.random(in: 1...4, using: &random))
            for _ in 0..<200 { world.step(&random) }
            world.close()
            let isSettled = world.answers == world.accepted
            #expect(isSettled, "seed \(seed)")
            #expect(world.state.isStopped, "seed \(seed)")
        }
    }
}

/// Random events on a pool, and the account of what was accepted and answered.
private struct World {
    var state: PoolState<String>
    var accepted: [UInt64: Int] = [:]
    var answers: [UInt64: Int] = [:]
    private var now: Int64 = 0
    private var last: UInt64 = 0
    private var leases: [LeaseID] = []
    private var steps: [PoolState<String>.Step?]

    init(workers: Int) {
        var limits = PostgresLimits()
        limits.queuedRequests = 8
        limits.queuedRequestsPerConnection = 2
        state = PoolState(workers: workers, limits: limits)
        steps = Array(repeating: nil, count: workers)
    }

    mutating func step(_ random: inout SplitMix) {
        now += Int64.random(in: 0...400, using: &random)
        let time = PoolStateTests.time(now)
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: submit(&random)
        case 4:
            if case .removed(let entry) = state.cancel(RequestID(number: UInt64.random(in: 0...last, using: &random))) {
                answer([entry])
            }
        case 5: answer(state.expire(now: time).expired)
        default: work(Int.random(in: 0..<steps.count, using: &random), time, &random)
        }
    }

    private mutating func submit(_ random: inout SplitMix) {
        last += 1
        let entry = PoolStateTests.entry(last, deadline: now + Int64.random(in: 0...1000, using: &random))
        let lease = Bool.random(using: &random) ? leases.randomElement(using: &random) : nil
        let submission = lease.map { state.submit(entry, to: $0) } ?? state.submit(entry)
        if case .queued = submission { accepted[last] = 1 }
    }

    /// One worker begins its next step, or ends the one it is in.
    private mutating func work(_ index: Int, _ time: MonotonicTime, _ random: inout SplitMix) {
        guard let step = steps[index] else {
            steps[index] = state.next(index, now: time)
            if case .wait = steps[index] { steps[index] = nil }
            return
        }
        steps[index] = nil
        let isGood = Int.random(in: 0..<4, using: &random) > 0
        switch step {
        case .connect where isGood: state.connected(index, now: time)
        case .connect: answer(state.connectFailed(index, reason: "down", retryAt: time + .milliseconds(300)))
        case .check: state.checked(index, isAlive: isGood, now: time)
        case .run(let entry):
            let isLeased = state.workers[index].lease != nil
            let completions: [PoolState<String>.Completion] = [
                .ready, .disconnected, isLeased ? .released : .leased(until: time + .milliseconds(500)),
            ]
            let (lease, abandoned) = state.finish(index, completions.randomElement(using: &random)!, now: time)
            leases += lease.map { [$0] } ?? []
            answer([entry] + abandoned)
        case .endLease: answer(state.finish(index, isGood ? .released : .disconnected, now: time).abandoned)
        case .stop, .wait: break
        }
    }

    mutating func close() {
        answer(state.close())
        for index in steps.indices {
            if case .run(let entry) = steps[index] {
                answer([entry] + state.finish(index, .ready, now: PoolStateTests.time(now)).abandoned)
            }
            state.stopped(index)
        }
    }

    private mutating func answer(_ entries: [PoolState<String>.Entry]) {
        for entry in entries { answers[entry.id.number, default: 0] += 1 }
    }
}
