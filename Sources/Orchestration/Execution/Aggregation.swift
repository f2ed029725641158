import Agents
import ClusterState
import FoundationEssentials
import SwiftProtobuf

/// How the results of several agents become one.
///
/// - success: completed steps / all steps.
/// - quality: the mean of the agents' quality scores, each weighted by 1 + the number of its findings (so that an agent that found
///   evidence counts for more than one that found nothing), times the success rate.
/// - key findings: of all agents, the worst first, an identical one (rule, path and line) once.
/// - recommendations: of all agents, in the order of their steps, each once.
enum Aggregation {
    static let keyFindings = 20
    static let recommendations = 20

    /// One finished step.
    struct Part: Sendable {
        var agent: String
        var outcome: StepOutcomeCode
        var result: AgentResult?
    }

    struct Whole: Codable {
        var summary: String
        var agents: [String]
        var failedAgents: [String]
        var keyFindings: [Finding]
        var recommendations: [String]
        var successRate: Double
        var qualityScore: Double

        enum CodingKeys: String, CodingKey {
            case summary, agents, recommendations
            case failedAgents = "failed_agents"
            case keyFindings = "key_findings"
            case successRate = "success_rate"
            case qualityScore = "quality_score"
        }
    }

    static func finish(_ parts: [Part], durationMilliseconds: UInt64) -> Finish {
        let good = parts.enumerated().filter { $0.element.outcome == .completed }
        let whole = combine(parts)
        return .with {
            $0.outcomeCode = good.isEmpty ? .failed : .completed
            $0.summary = whole.summary
            $0.successPpm = Ppm.of(whole.successRate)
            $0.qualityPpm = Ppm.of(whole.qualityScore)
            $0.durationMilliseconds = durationMilliseconds
            if good.isEmpty {
                $0.failure = .with {
                    $0.reasonCode = .agentsFailed
                    $0.message = whole.summary
                }
            } else if parts.count == 1 {
                $0.resultOfStep = 0
            } else if let bytes = try? AgentJSON.encode(whole) {
                $0.result = Payload(bytes: bytes)
            }
        }
    }

    static func combine(_ parts: [Part]) -> Whole {
        let good = parts.filter { $0.outcome == .completed }
        let failed = parts.filter { $0.outcome != .completed }.map(\.agent)
        let successRate = parts.isEmpty ? 0 : Double(good.count) / Double(parts.count)
        let results = good.compactMap(\.result)
        let weights = results.map { 1 + Double($0.findings.count + $0.omittedFindings) }
        let weighted = zip(results, weights).reduce(0) { $0 + $1.0.qualityScore * $1.1 }
        let quality = weights.isEmpty ? 0 : weighted / weights.reduce(0, +) * successRate
        var summary = results.map(\.summary).joined(separator: " ")
        if !failed.isEmpty { summary += (summary.isEmpty ? "" : " ") + "Failed: \(failed.joined(separator: ", "))." }
        return Whole(
            summary: String(summary.prefix(2000)), agents: good.map(\.agent), failedAgents: failed,
            keyFindings: rank(results.flatMap(\.findings)), recommendations: unique(results.flatMap(\.recommendations)),
            successRate: successRate, qualityScore: quality)
    }

    private static func rank(_ findings: [Finding]) -> [Finding] {
        var seen: Set<String> = []
        let distinct = findings.filter {
            seen.insert("\($0.rule)\u{0}\($0.location.path)\u{0}\($0.location.line)").inserted
        }
        // Sorting by place as well keeps equal severities in the order in which the agents gave them.
        let ranked = distinct.enumerated().sorted { left, right in
            left.element.severity == right.element.severity
                ? left.offset < right.offset : left.element.severity < right.element.severity
        }
        return ranked.prefix(keyFindings).map { $0.element }
    }

    private static func unique(_ lines: [String]) -> [String] {
        var seen: Set<String> = []
        return Array(lines.filter { seen.insert($0.lowercased()).inserted }.prefix(recommendations))
    }
}
