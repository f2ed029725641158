import Testing

@testable import RaftSimulation

@Suite("Linearizability")
struct LinearizabilityTests {
    /// A register that holds 0 at first.
    enum Input: Hashable {
        case write(Int)
        case read
    }

    typealias Event = Linearizability.Event<Input, Int?>

    static func step(_ state: Int, _ input: Input, _ output: Int?) -> Int? {
        switch input {
        case .write(let value): value
        case .read: output == state ? state : nil
        }
    }

    private func verdict(_ events: [Event]) -> Linearizability.Verdict {
        Linearizability.check(events, from: 0, step: Self.step)
    }

    private func write(_ value: Int, _ call: UInt64, _ end: UInt64) -> Event {
        Event(input: .write(value), output: nil, calledAt: call, returnedAt: end)
    }

    private func read(_ value: Int, _ call: UInt64, _ end: UInt64) -> Event {
        Event(input: .read, output: value, calledAt: call, returnedAt: end)
    }

    @Test("histories that have an order")
    func good() {
        #expect(verdict([]) == .linearizable)
        #expect(verdict([write(1, 0, 10), read(1, 20, 30)]) == .linearizable)
        // A read beside a write may see either.
        #expect(verdict([write(1, 0, 10), read(0, 5, 8)]) == .linearizable)
        #expect(verdict([write(1, 0, 10), read(1, 5, 8)]) == .linearizable)
        // Two writes beside each other, read in one order.
        #expect(verdict([write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(1, 13, 14)]) == .linearizable)
        // What is unknown may take effect late, or never.
        #expect(verdict([write(1, 0, .max), read(0, 5, 6), read(1, 7, 8)]) == .linearizable)
        #expect(verdict([write(1, 0, .max), read(0, 50, 60)]) == .linearizable)
    }

    @Test("histories that have none")
    func bad() {
        // A stale read.
        #expect(verdict([write(1, 0, 10), read(0, 20, 30)]) == .notLinearizable)
        // A value that nobody wrote.
        #expect(verdict([read(7, 0, 10)]) == .notLinearizable)
        // Time does not go back between two reads, also of a write that is still under way.
        #expect(verdict([write(1, 0, 100), read(1, 10, 20), read(0, 30, 40)]) == .notLinearizable)
        #expect(verdict([write(1, 0, .max), read(1, 10, 20), read(0, 30, 40)]) == .notLinearizable)
        // A lost write.
        #expect(verdict([write(1, 0, 10), write(2, 20, 30), read(1, 40, 50)]) == .notLinearizable)
        // Two readers see two writes in two orders.
        let writes = [write(1, 0, 10), write(2, 0, 10)]
        #expect(verdict(writes + [read(1, 11, 12), read(2, 13, 14)]) == .notLinearizable)
    }

    @Test("a wrong hint costs time and changes nothing")
    func hints() {
        var events = [write(1, 0, 10), write(2, 20, 30), read(2, 40, 50)]
        for place in events.indices { events[place].hint = UInt64(10 - place) }
        #expect(verdict(events) == .linearizable)
        events[2].output = 1
        #expect(verdict(events) == .notLinearizable)
    }

    @Test("at its limit the search says that it does not know")
    func limit() {
        let writes = (0..<14).map { write($0 + 1, UInt64($0), .max) }
        let events = writes + [read(99, 100, 101)]
        #expect(Linearizability.check(events, from: 0, limit: 50, step: Self.step) == .undecided)
    }

    // MARK: Against all orders

    /// Tries every order of every choice of the operations without a return.
    private func bruteForce(_ events: [Event]) -> Bool {
        func extend(_ state: Int, _ left: [Event]) -> Bool {
            if left.allSatisfy({ $0.returnedAt == .max }) { return true }
            for (place, event) in left.enumerated() {
                if left.contains(where: { $0.returnedAt < event.calledAt }) { continue }
                guard let next = Self.step(state, event.input, event.output) else { continue }
                var rest = left
                rest.remove(at: place)
                if extend(next, rest) { return true }
            }
            return false
        }
        return extend(0, events)
    }

    @Test("it agrees with trying all orders, for every history of up to three operations")
    func exhaustive() {
        let operations: [(Input, Int?)] = [(.write(1), nil), (.write(2), nil), (.read, 0), (.read, 1), (.read, 2)]
        var compared = 0
        var wrong: [[Event]] = []
        for count in 1...3 {
            for times in Self.intervals(count) {
                for choice in 0..<Self.power(operations.count * 2, count) {
                    var rest = choice
                    var events: [Event] = []
                    for (call, end) in times {
                        let (input, output) = operations[rest % operations.count]
                        rest /= operations.count
                        let isOpen = rest % 2 == 1
                        rest /= 2
                        // A read without an answer says nothing, and is in no history.
                        if isOpen, input == .read { continue }
                        events.append(
                            Event(input: input, output: output, calledAt: call, returnedAt: isOpen ? .max : end))
                    }
                    compared += 1
                    if (verdict(events) == .linearizable) != bruteForce(events) { wrong.append(events) }
                }
            }
        }
        #expect(wrong.isEmpty)
        #expect(compared > 10_000)
    }

    @Test("it agrees with trying all orders, for random histories of six operations")
    func random() {
        var random = RandomStream(seed: 3, subject: .workload)
        var linearizable = 0
        for _ in 0..<1000 {
            let events = (0..<6).map { _ in
                let call = random.time(0...30)
                let end = call + 1 + random.time(0...15)
                return random.chance(perMille: 500)
                    ? write(random.number(1...3), call, random.chance(perMille: 200) ? .max : end)
                    : read(random.number(0...3), call, end)
            }
            let expected = bruteForce(events)
            if expected { linearizable += 1 }
            #expect((verdict(events) == .linearizable) == expected, "\(events)")
        }
        #expect(linearizable > 50 && linearizable < 950, "a test of one answer shows nothing")
    }

    private static func power(_ base: Int, _ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    /// All ways in which calls and returns can follow each other, calls in the order of the operations.
    private static func intervals(_ count: Int) -> [[(UInt64, UInt64)]] {
        var result: [[(UInt64, UInt64)]] = []
        func place(_ times: [(UInt64, UInt64)], open: [Int], called: Int, now: UInt64) {
            if called == count, open.isEmpty { return result.append(times) }
            if called < count {
                place(times + [(now, 0)], open: open + [called], called: called + 1, now: now + 1)
            }
            for operation in open {
                var next = times
                next[operation].1 = now
                place(next, open: open.filter { $0 != operation }, called: called, now: now + 1)
            }
        }
        place([], open: [], called: 0, now: 1)
        return result
    }
}
