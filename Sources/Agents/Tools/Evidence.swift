/// What one tool found out: numbers, tables and findings, from which a reasoner or the synthesiser composes a report.
public struct Evidence: Sendable, Hashable, Codable {
    public var tool: ToolName
    /// One sentence without a full stop that says the most important thing, such as `no secrets in 212 files`.
    public var headline: String
    public var metrics: [Metric]
    public var tables: [EvidenceTable]
    /// At most `Limits.findingsPerTool`, ranked.
    public var findings: [Finding]
    /// Findings beyond that limit, by severity.
    public var omitted: [Severity: Int]
    /// What the reader must know to judge the rest: what was skipped, cut, or not looked at.
    public var notes: [String]
    public var coverage: Coverage

    public init(tool: ToolName, headline: String, coverage: Coverage) {
        self.tool = tool
        self.headline = headline
        self.coverage = coverage
        metrics = []
        tables = []
        findings = []
        omitted = [:]
        notes = []
    }

    /// Ranks and names the findings and keeps the worst `limit` of them.
    mutating func setFindings(_ all: [Finding], limit: Int) {
        let ranked = Finding.ranked(Finding.withIDs(all))
        findings = Array(ranked.prefix(limit))
        omitted = [:]
        for finding in ranked.dropFirst(limit) { omitted[finding.severity, default: 0] += 1 }
    }
}

/// One number with its meaning.
public struct Metric: Sendable, Hashable, Codable {
    /// A stable name for programs, such as `code_lines`.
    public var name: String
    /// A name for people, such as `lines of code`.
    public var label: String
    public var value: Double
    public var unit: Unit

    public enum Unit: String, Sendable, Hashable, Codable {
        case count, percent, lines, bytes
    }

    public init(_ name: String, _ label: String, _ value: Double, unit: Unit = .count) {
        self.name = name
        self.label = label
        self.value = value
        self.unit = unit
    }
}

/// A small table, ready to be shown.
public struct EvidenceTable: Sendable, Hashable, Codable {
    public var title: String
    public var columns: [Column]
    public var rows: [[String]]
    /// Rows that did not fit.
    public var omittedRows: Int

    public struct Column: Sendable, Hashable, Codable {
        public var name: String
        /// Numbers stand to the right.
        public var isNumber: Bool

        public init(_ name: String, isNumber: Bool = false) {
            self.name = name
            self.isNumber = isNumber
        }
    }

    /// Keeps the first `limit` rows and counts the others.
    public init(title: String, columns: [Column], rows: [[String]], limit: Int) {
        self.title = title
        self.columns = columns
        self.rows = Array(rows.prefix(limit))
        omittedRows = max(0, rows.count - limit)
    }

    enum CodingKeys: String, CodingKey {
        case title, columns, rows
        case omittedRows = "omitted_rows"
    }
}

/// How much of what was asked about was really looked at, in the tool's own unit (bytes of source for file tools).
public struct Coverage: Sendable, Hashable, Codable {
    public var examined: Int
    public var seen: Int

    public init(examined: Int, seen: Int) {
        self.examined = examined
        self.seen = seen
    }

    /// 0 to 1; where there was nothing to look at, 0.
    public var share: Double { seen > 0 ? min(1, Double(examined) / Double(seen)) : 0 }
}
