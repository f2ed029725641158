/// Something that a tool saw and that a person may want to act on, with the evidence it was read from.
public struct Finding: Sendable, Hashable, Codable {
    /// Stable over runs: made from the rule, the path and the evidence, not from the line number, so that a finding
    /// keeps its id while code above it moves.
    public var id: String
    /// The rule that saw it, such as `dangerous.python.eval`.
    public var rule: String
    public var severity: Severity
    public var certainty: Certainty
    public var title: String
    public var description: String
    public var location: Location
    /// The text it was read from, cut to its limit, secrets masked.
    public var evidence: String
    public var remediation: String
    /// The weakness in the Common Weakness Enumeration, such as `CWE-95`.
    public var cwe: String?
}

/// How bad a finding is if it is true.
public enum Severity: String, Sendable, Hashable, Codable, CaseIterable, Comparable, CodingKeyRepresentable {
    case critical, high, medium, low, info

    /// 0 is the worst.
    var rank: Int {
        switch self {
        case .critical: 0
        case .high: 1
        case .medium: 2
        case .low: 3
        case .info: 4
        }
    }

    /// A lesser value is a worse finding, so that an ascending sort puts the worst first.
    public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// How a finding was established, and so how far it can be trusted.
public enum Certainty: String, Sendable, Hashable, Codable, CaseIterable {
    /// Counted or parsed: true of the text as it stands.
    case measured
    /// A named construct in code, not in a string or comment.
    case likely
    /// A heuristic, such as entropy.
    case possible

    /// The share of such findings that is expected to hold, as `Scores` weighs it.
    var weight: Double {
        switch self {
        case .measured: 1.0
        case .likely: 0.85
        case .possible: 0.6
        }
    }
}

/// Where a finding was read: a path as a task's `target` would name it, and a line counted from 1.
public struct Location: Sendable, Hashable, Codable {
    public var path: String
    public var line: Int

    public init(path: String, line: Int) {
        self.path = path
        self.line = line
    }
}

extension Finding {
    /// The order in which findings are shown and, at the byte limit, kept: worst first, then surest, then by place.
    static func ranked(_ findings: [Finding]) -> [Finding] {
        findings.sorted { left, right in
            if left.severity != right.severity { return left.severity < right.severity }
            if left.certainty != right.certainty { return left.certainty.weight > right.certainty.weight }
            if left.location.path != right.location.path {
                return left.location.path.utf8.lexicographicallyPrecedes(right.location.path.utf8)
            }
            if left.location.line != right.location.line { return left.location.line < right.location.line }
            return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
        }
    }

    /// Gives each finding its id: rule and a 64-bit hash of path and evidence; equal ones are told apart by their order.
    static func withIDs(_ findings: [Finding]) -> [Finding] {
        var seen: [String: Int] = [:]
        return findings.map { finding in
            var named = finding
            let hash = ByteHash.of("\(finding.rule)\u{0}\(finding.location.path)\u{0}\(finding.evidence)")
            let base = "\(finding.rule)-\(ByteHash.hexadecimal(hash))"
            let ordinal = seen[base, default: 0]
            seen[base] = ordinal + 1
            named.id = ordinal == 0 ? base : "\(base)-\(ordinal + 1)"
            return named
        }
    }
}
