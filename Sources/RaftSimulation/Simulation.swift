/// Plays a world from a seed to its end.
public enum Simulation {
    /// What came of a run.
    public struct Report: Sendable {
        public var seed: UInt64
        public var violation: Violation?
        /// The run did too little to show anything.
        public var isVoid: Bool
        /// Depends on every effect of every step, in order.
        public var hash: UInt64
        public var nodes: Int
        public var virtualMicroseconds: UInt64
        public var events: UInt64
        public var steps: UInt64
        public var committed: Int
        public var operations: Int
        public var undecidedKeys: Int
        /// How often each rare thing happened, by name.
        public var marks: [(name: String, count: UInt64)]
    }

    /// In the order of a report's marks.
    public static var markNames: [String] { Marks.names }

    public static func run(seed: UInt64, trace: Trace = Trace()) -> Report {
        let world = World(.swarm(seed: seed), trace: trace)
        world.play()
        return world.report
    }
}

extension World {
    var report: Simulation.Report {
        Simulation.Report(
            seed: options.seed, violation: violation,
            isVoid: violation == nil && (monitor.committed.count < 10 || marks[.leaderElected] == 0),
            hash: monitor.hash.value, nodes: nodes.count, virtualMicroseconds: now, events: events,
            steps: monitor.steps, committed: monitor.committed.count, operations: workload.operations.count,
            undecidedKeys: workload.undecidedKeys,
            marks: zip(Marks.names, marks.counts).map { (name: $0, count: $1) })
    }
}
