import Agents
import ClusterState

/// What running one step has brought, ready to become a checkpoint.
struct StepReport: Sendable {
    var outcome: StepOutcomeCode
    /// The agent's result as JSON; nil if there is none.
    var result: AgentResult?
    var payload: Payload?
    var summary: String
    var usage: StepUsage?
    var durationMilliseconds: UInt64
    var failure: Failure?

    /// Parts in a million of the quality score.
    var qualityPpm: UInt32? { result.map { Ppm.of($0.qualityScore) } }
}

/// Scores in the log are integers: parts in a million.
enum Ppm {
    static func of(_ score: Double) -> UInt32 { UInt32((min(1, max(0, score)) * 1_000_000).rounded()) }
}
