import Raft

/// Bounded exhaustive search: every order in which messages, disks, timers and crashes of three nodes can act, within bounds,
/// breadth first, so that what is found is found on a shortest way.
public enum Exploration {
    public struct Report: Sendable {
        public var states: Int
        /// Events on the longest way.
        public var depth: Int
        /// States whose successors were not looked at; none if everything within the bounds was seen.
        public var left: Int
        public var violation: Violation?
        /// The events that lead to the violation.
        public var way: [String]

        /// Everything within the bounds was seen.
        public var isComplete: Bool { left == 0 && violation == nil }
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
        let catalogue = ExplorationCatalogue()
        var start = ExploredState(nodes: nodes, bounds, catalogue)
        if bounds.isSettled {
            do throws(Violation) {
                try start.settle(catalogue)
            } catch {
                return Report(states: 1, depth: 0, left: 1, violation: error, way: [])
            }
        }
        // Hashes only, or the states would fill the memory; that two of ten million agree by chance is one in 10⁵.
        var seen: Set<Int> = [start.hashValue]
        var frontier: [(state: ExploredState, way: Step?)] = [(start, nil)]
        var depth = 0
        while !frontier.isEmpty {
            var next: [(state: ExploredState, way: Step?)] = []
            for (place, (state, way)) in frontier.enumerated() {
                if seen.count >= bounds.states {
                    let left = frontier.count - place + next.count
                    return Report(states: seen.count, depth: depth + 1, left: left, violation: nil, way: [])
                }
                // Nodes that never ran differ in nothing but their names: whoever is first may be called 1.
                for action in state.actions(catalogue) where depth > 0 || bounds.isSettled || action.place == 0 {
                    var successor = state
                    do throws(Violation) {
                        guard try successor.perform(action, catalogue) else { continue }
                    } catch {
                        return Report(
                            states: seen.count, depth: depth + 1, left: frontier.count - place + next.count,
                            violation: error, way: describe(Step(action, after: way), catalogue))
                    }
                    if seen.insert(successor.hashValue).inserted { next.append((successor, Step(action, after: way))) }
                }
            }
            if !next.isEmpty { depth += 1 }
            frontier = next
        }
        return Report(states: seen.count, depth: depth, left: 0, violation: nil, way: [])
    }

    private static func describe(_ last: Step, _ catalogue: ExplorationCatalogue) -> [String] {
        var way: [String] = []
        var step: Step? = last
        while let present = step {
            let node = present.action.place + 1
            let line =
                switch catalogue.spelledOut(present.action.event) {
                case .hear(let message): "\(node) hears from \(message.from): \(message)"
                case .persist: "the oldest write of \(node) is durable"
                case .timeOut: "the time of \(node) is over"
                case .propose: "\(node) is asked to propose"
                case .crash(let kept): "\(node) crashes and starts again; \(kept) of its writes survive"
                }
            way.append(line)
            step = present.before
        }
        return way.reversed()
    }
}
