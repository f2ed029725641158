/// Writes snapshots as text. The order of families and series is the caller's, so the same values give the same bytes.
struct Exposition {
    private let format: ExpositionFormat
    private var bytes: [UInt8] = []

    static func text(of families: [FamilySnapshot], in format: ExpositionFormat) -> String {
        var exposition = Exposition(format: format)
        for family in families { exposition.append(family) }
        if format == .openMetrics { exposition.append("# EOF\n") }
        return String(decoding: exposition.bytes, as: UTF8.self)
    }

    private init(format: ExpositionFormat) {
        self.format = format
    }

    private mutating func append(_ family: FamilySnapshot) {
        appendHead(of: family.description)
        for series in family.series {
            let labels = Self.labels(family.description.labels, series.labelValues)
            switch series.value {
            case .number(let value): appendSample(family.description.name, "", labels, Self.number(value))
            case .histogram(let histogram): append(histogram, of: family.description, labels)
            }
        }
    }

    private mutating func appendHead(of family: FamilyDescription) {
        let name: String
        let type: FamilyDescription.Kind
        switch format {
        case .prometheusText:
            name = family.name
            type = family.kind == .info ? .gauge : family.kind
        case .openMetrics:
            name = family.familyName
            type = family.kind
        }
        append("# HELP \(name) ")
        bytes += Self.escaped(family.help, quotes: format == .openMetrics)
        append("\n# TYPE \(name) \(type.rawValue)\n")
        if format == .openMetrics, family.unit != .none { append("# UNIT \(name) \(family.unit.rawValue)\n") }
    }

    private mutating func append(_ histogram: HistogramValue, of family: FamilyDescription, _ labels: [UInt8]) {
        var cumulative: UInt64 = 0
        let separator = labels.isEmpty ? [] : [UInt8(ascii: ",")]
        for (count, bound) in zip(histogram.counts, family.buckets + [.infinity]) {
            cumulative &+= count
            let bound = #"le="\#(Self.bucketBound(bound))""#
            appendSample(family.name, "_bucket", labels + separator + bound.utf8, String(cumulative))
        }
        // The count is the infinite bucket's, so the two agree though others observe meanwhile.
        appendSample(family.name, "_sum", labels, Self.number(histogram.sum))
        appendSample(family.name, "_count", labels, String(cumulative))
    }

    private mutating func appendSample(_ name: String, _ suffix: String, _ labels: [UInt8], _ value: String) {
        append(name)
        append(suffix)
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes += labels
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        append(value)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ text: String) {
        bytes += text.utf8
    }

    /// `a="1",b="2"`; empty where there are none.
    private static func labels(_ labels: [MetricLabel], _ values: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (label, value) in zip(labels, values) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes += label.name.utf8
            bytes += [UInt8(ascii: "="), UInt8(ascii: "\"")]
            bytes += escaped(value, quotes: true)
            bytes.append(UInt8(ascii: "\""))
        }
        return bytes
    }

    /// Whole numbers are written without a point while a `Double` holds them exactly.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        let whole = value.magnitude < 0x1p53 && value == value.rounded(.towardZero)
        return whole ? String(Int64(value)) : value.description
    }

    /// A bound always has a point or an exponent, as OpenMetrics has it, in both formats: a series must not change its
    /// labels because the scraper changed its mind about the format.
    private static func bucketBound(_ value: Double) -> String {
        value.isInfinite ? "+Inf" : value.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += [byte, byte]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\"") where quotes: bytes += [UInt8(ascii: "\\"), byte]
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
