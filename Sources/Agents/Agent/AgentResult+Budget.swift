extension AgentResult {
    /// This result within its limits: texts are cut at a line, the worst findings stay, the others are counted.
    ///
    /// The findings share what the texts leave of `Limits.resultBytes`. The encoded result is never larger than that.
    func fitted(to limits: Limits) -> AgentResult {
        var result = self
        result.output = result.output.cut(toBytes: limits.reportBytes, atLine: true)
        result.summary = result.summary.cut(toBytes: limits.summaryBytes)
        result.recommendations = result.recommendations.prefix(limits.recommendations)
            .map { $0.cut(toBytes: limits.recommendationBytes) }
        result.tools = result.tools.map { tool in
            var shorter = tool
            shorter.error = tool.error?.cut(toBytes: limits.evidenceTextBytes)
            return shorter
        }
        result.attempts = result.attempts.suffix(32).map { attempt in
            var shorter = attempt
            shorter.error = attempt.error?.cut(toBytes: limits.evidenceTextBytes)
            return shorter
        }

        let all = result.findings
        result.findings = []
        // The counter of omitted findings may gain digits.
        var room = limits.resultBytes - result.encodedBytes - 16
        var kept = 0
        for finding in all {
            let bytes = (try? AgentJSON.encode(finding).count).map { $0 + 1 } ?? limits.resultBytes
            guard bytes <= room else { break }
            room -= bytes
            kept += 1
        }
        result.findings = Array(all.prefix(kept))
        result.omittedFindings += all.count - kept
        // Texts full of characters that JSON escapes can be several times as long when encoded.
        while result.encodedBytes > limits.resultBytes, !result.output.isEmpty {
            result.output = result.output.cut(toBytes: result.output.utf8.count / 2, atLine: true)
        }
        return result
    }

    /// The size of the JSON form.
    var encodedBytes: Int { (try? AgentJSON.encode(self).count) ?? .max }
}
