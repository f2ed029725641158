import Raft

/// Bounded exhaustive search: every order in which messages, disks, timers and crashes of three nodes can act, within bounds,
/// breadth first, so that what is found is found on a shortest way.
public enum Exploration {
    public struct Report: Sendable {
        public var states: Int
        /// Events on the longest way.
        public var depth: Int
        /// Everything within the bounds was seen.
        public var isComplete: Bool
        public var violation: Violation?
        /// The events that lead to the violation.
        public var way: [String]
    }

    /// The last event of a way, and the way to it.
    private final class Step {
        let action: ExploredState.Action
        let before: Step?

        init(_ action: ExploredState.Action, after before: Step?) {
            self.action = action
            self.before = before
        }
    }

    public static func run(nodes: Int = 3, _ bounds: ExplorationBounds) -> Report {
        let start = ExploredState(nodes: nodes, bounds)
        // Hashes only, or the states would fill the memory; that two of a million agree by chance is one in 10⁷.
        var seen: Set<Int> = [start.hashValue]
        var frontier: [(state: ExploredState, way: Step?)] = [(start, nil)]
        var depth = 0
        while !frontier.isEmpty {
            var next: [(state: ExploredState, way: Step?)] = []
            for (state, way) in frontier {
                for action in state.actions {
                    var successor = state
                    let step = Step(action, after: way)
                    do throws(Violation) {
                        try successor.perform(action)
                    } catch {
                        return Report(
                            states: seen.count, depth: depth + 1, isComplete: false, violation: error,
                            way: describe(step))
                    }
                    if seen.insert(successor.hashValue).inserted { next.append((successor, step)) }
                }
                if seen.count >= bounds.states {
                    return Report(states: seen.count, depth: depth + 1, isComplete: false, violation: nil, way: [])
                }
            }
            if !next.isEmpty { depth += 1 }
            frontier = next
        }
        return Report(states: seen.count, depth: depth, isComplete: true, violation: nil, way: [])
    }

    private static func describe(_ last: Step) -> [String] {
        var way: [String] = []
        var step: Step? = last
        while let present = step {
            way.append("\(present.action)")
            step = present.before
        }
        return way.reversed()
    }
}
