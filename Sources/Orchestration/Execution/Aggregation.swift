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
    static let summaryBytes = 4_000

    /// One finished step.
    struct Part: Sendable {
        var agent: String
        var outcome: StepOutcomeCode
        var result: AgentResult?
        /// Why it is not completed.
        var failure: String?
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

    /// - Parameter resultLimitBytes: of the whole's JSON; the least of the findings are left out where it would be larger.
    static func finish(_ parts: [Part], durationMilliseconds: UInt64, resultLimitBytes: UInt64 = .max) -> Finish {
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
                    $0.message = reasons(parts).cut(toBytes: StepRunner.failureBytes)
                }
            } else if parts.count == 1 {
                $0.resultOfStep = 0
            } else if let bytes = encode(whole, limitBytes: resultLimitBytes) {
                $0.result = Payload(bytes: bytes)
            }
        }
    }

    /// Nil if even the bare numbers are too large; then the steps' results are all there is.
    private static func encode(_ whole: Whole, limitBytes: UInt64) -> [UInt8]? {
        var whole = whole
        while let bytes = try? AgentJSON.encode(whole) {
            if UInt64(bytes.count) <= limitBytes { return bytes }
            guard !(whole.keyFindings.isEmpty && whole.recommendations.isEmpty) else { return nil }
            whole.keyFindings.removeLast((whole.keyFindings.count + 1) / 2)
            whole.recommendations.removeLast((whole.recommendations.count + 1) / 2)
        }
        return nil
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
        if !failed.isEmpty { summary += (summary.isEmpty ? "" : " ") + "Failed: \(reasons(parts))." }
        return Whole(
            summary: summary.cut(toBytes: summaryBytes), agents: good.map(\.agent), failedAgents: failed,
            keyFindings: rank(results.flatMap(\.findings)), recommendations: unique(results.flatMap(\.recommendations)),
            successRate: successRate, qualityScore: quality)
    }

    /// What went wrong, by agent; a plan of one step need not be told whose fault it was.
    private static func reasons(_ parts: [Part]) -> String {
        let reasons = parts.filter { $0.outcome == .failed }.map { part in
            let reason = part.failure ?? "no reason given"
            return parts.count == 1 ? reason : "\(part.agent): \(reason)"
        }
        return reasons.joined(separator: "; ")
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
