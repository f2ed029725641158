/// Writes snapshots as text. The order of families and series is the caller's, so the same values give the same bytes.
enum Exposition {
    static func text(of families: [FamilySnapshot], in format: ExpositionFormat) -> String {
        var text = ""
        for family in families {
            appendHead(of: family.description, in: format, to: &text)
            for series in family.series {
                append(series, of: family.description, to: &text)
            }
        }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private static func appendHead(of family: FamilyDescription, in format: ExpositionFormat, to text: inout String) {
        switch format {
        case .prometheusText:
            text += "# HELP \(family.name) "
            appendEscaped(family.help, quotes: false, to: &text)
            text += "\n# TYPE \(family.name) \(family.kind == .info ? "gauge" : family.kind.rawValue)\n"
        case .openMetrics:
            let name = family.familyName
            text += "# HELP \(name) "
            appendEscaped(family.help, quotes: true, to: &text)
            text += "\n# TYPE \(name) \(family.kind.rawValue)\n"
            if family.unit != .none { text += "# UNIT \(name) \(family.unit.rawValue)\n" }
        }
    }

    private static func append(_ series: FamilySnapshot.Series, of family: FamilyDescription, to text: inout String) {
        switch series.value {
        case .number(let value):
            appendSample(family.name, series.labelValues, of: family, number(value), to: &text)
        case .histogram(let histogram):
            var cumulative: UInt64 = 0
            for (count, bound) in zip(histogram.counts, family.buckets + [.infinity]) {
                cumulative &+= count
                appendSample(
                    family.name + "_bucket", series.labelValues, of: family, bucketBound: bucketBound(bound),
                    String(cumulative), to: &text)
            }
            // The count is the infinite bucket's, so the two agree though others observe meanwhile.
            appendSample(family.name + "_sum", series.labelValues, of: family, number(histogram.sum), to: &text)
            appendSample(family.name + "_count", series.labelValues, of: family, String(cumulative), to: &text)
        }
    }

    private static func appendSample(
        _ name: String, _ labelValues: [String], of family: FamilyDescription, bucketBound: String? = nil,
        _ value: String, to text: inout String
    ) {
        text += name
        var separator = "{"
        for (label, labelValue) in zip(family.labels, labelValues) {
            text += "\(separator)\(label.name)=\""
            appendEscaped(labelValue, quotes: true, to: &text)
            text += "\""
            separator = ","
        }
        if let bucketBound {
            text += "\(separator)le=\"\(bucketBound)\""
            separator = ","
        }
        text += separator == "{" ? " " : "} "
        text += value
        text += "\n"
    }

    /// Whole numbers are written without a point while a `Double` holds them exactly.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value.magnitude < 0x1p53 && value == value.rounded(.towardZero)
            ? String(Int64(value)) : value.description
    }

    /// A bound always has a point or an exponent, as OpenMetrics has it, in both formats: a series must not change its
    /// labels because the scraper changed its mind about the format.
    private static func bucketBound(_ value: Double) -> String {
        value.isInfinite ? "+Inf" : value.description
    }

    private static func appendEscaped(_ value: String, quotes: Bool, to text: inout String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where quotes: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
