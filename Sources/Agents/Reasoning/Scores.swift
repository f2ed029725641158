/// How a result rates itself. Both figures are about the result, not about what it looks at.
///
/// - **quality** = ½ · share of the tools that succeeded
///   + 3⁄10 · coverage, the mean over the tools of what was examined of what was asked about
///   + 2⁄10 · grounding, the share of findings that quote evidence at a line.
/// - **confidence** = coverage · the mean weight of the findings' certainty (measured 1, likely 0.85, possible 0.6);
///   without findings the weight is 0.85, for no rule set sees everything.
///
/// Tools with nothing to examine do not count for coverage. Both are rounded to thousandths.
struct Scores: Sendable, Hashable {
    var quality: Double
    var confidence: Double

    init(evidence: [Evidence], runs: [ToolRun]) {
        let shares = evidence.map(\.coverage).filter { $0.seen > 0 }.map(\.share)
        let coverage = shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
        let succeeded = runs.isEmpty ? 0 : Double(runs.count { $0.ok }) / Double(runs.count)
        let findings = evidence.flatMap(\.findings)
        let grounded = findings.count { !$0.evidence.isEmpty && $0.location.line > 0 }
        let grounding = findings.isEmpty ? 1 : Double(grounded) / Double(findings.count)
        let weights = findings.map(\.certainty.weight)
        let certainty = weights.isEmpty ? Certainty.likely.weight : weights.reduce(0, +) / Double(weights.count)
        // A result about nothing is worth nothing, however well the tools ran.
        quality = shares.isEmpty ? 0 : Self.rounded(0.5 * succeeded + 0.3 * coverage + 0.2 * grounding)
        confidence = Self.rounded(coverage * certainty)
    }

    static func rounded(_ value: Double) -> Double {
        (min(1, max(0, value)) * 1_000).rounded() / 1_000
    }
}
