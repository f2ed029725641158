import Testing

@testable import RaftSimulation

/// Whole worlds, some of them: the many are played by `amas-sim run`.
@Suite("Simulation")
struct SimulationTests {
    /// As `amas-sim` plays it.
    private func play(_ seed: UInt64, trace: Trace = Trace()) -> Simulation.Report {
        Simulation.run(seed: seed, trace: trace)
    }

    @Test("a seed is clean, and plays the same twice", arguments: 1...180 as ClosedRange<UInt64>)
    func smoke(seed: UInt64) {
        let first = play(seed)
        #expect(first.violation == nil)
        #expect(!first.isVoid, "too little was done to show anything")
        let second = play(seed)
        #expect(first.hash == second.hash, "every effect of every step comes from the seed \(seed)")
        #expect(first.events == second.events && first.virtualMicroseconds == second.virtualMicroseconds)
    }

    @Test("a trace changes nothing and says something")
    func trace() {
        var lines = 0
        let traced = play(2, trace: Trace { _ in lines += 1 })
        #expect(traced.hash == play(2).hash)
        #expect(lines > 100)
    }

    @Test("a draw that is added to one stream does not shift another")
    func streams() {
        var streams = RandomStreams(seed: 5)
        var others = RandomStreams(seed: 5)
        _ = others.network.next()
        #expect(streams.disk.next() == others.disk.next() && streams.faults.next() == others.faults.next())
        #expect(streams.network.next() != others.network.next())
    }
}

@Suite("Event queue")
struct EventQueueTests {
    @Test("events come in the order of their times, and of one time in the order in which they were scheduled")
    func order() {
        var random = RandomStream(seed: 9, subject: .workload)
        var queue = EventQueue<Int>()
        var waiting: [(time: UInt64, number: Int)] = []
        for number in 0..<2000 {
            if random.chance(perMille: 400), !waiting.isEmpty {
                let place = waiting.indices.min {
                    (waiting[$0].time, waiting[$0].number) < (waiting[$1].time, waiting[$1].number)
                }
                guard let place, let next = queue.pop() else { return #expect(Bool(false)) }
                #expect(next.time == waiting[place].time && next.event == waiting[place].number)
                waiting.remove(at: place)
            } else {
                let time = random.time(0...50)
                queue.schedule(number, at: time)
                waiting.append((time, number))
            }
        }
        #expect(queue.count == waiting.count)
    }
}
