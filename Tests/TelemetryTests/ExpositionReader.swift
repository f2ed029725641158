@testable import Telemetry

/// A strict reader of the two text formats, written from their specifications and not from the writer. It refuses what
/// a scraper might overlook: families in pieces, samples that do not fit their type, doubled series, histograms that
/// contradict themselves.
struct ExpositionReader {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    struct Family {
        var type: String?
        var help: String?
        var unit: String?
        /// By sample name and labels in the order they stand.
        var samples: [(name: String, labels: [(name: String, value: String)], value: Double)] = []
    }

    let format: ExpositionFormat
    private(set) var names: [String] = []
    private(set) var families: [String: Family] = [:]

    init(_ text: String, format: ExpositionFormat) throws {
        self.format = format
        guard text.hasSuffix("\n") else { throw Problem(description: "the last line has no end") }
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        lines.removeLast()
        if format == .openMetrics {
            guard lines.popLast().map(Self.string) == "# EOF" else { throw Problem(description: "no # EOF at the end") }
        }
        var seen: Set<String> = []
        for line in lines {
            if line.first == "#" { try readMetadata(Self.string(line)) } else { try readSample(line, &seen) }
        }
        for name in names { try check(name) }
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    private mutating func readMetadata(_ line: String) throws {
        let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "#", !parts[3].isEmpty else {
            throw Problem(description: "not metadata: \(line)")
        }
        if names.last != parts[2] {
            guard families[parts[2]] == nil else { throw Problem(description: "\(parts[2]) is in pieces") }
            names.append(parts[2])
        }
        var family = families[parts[2]] ?? Family()
        guard family.samples.isEmpty else { throw Problem(description: "metadata after samples: \(line)") }
        let earlier: String?
        switch parts[1] {
        case "HELP": (earlier, family.help) = (family.help, try unescape(Array(parts[3].unicodeScalars)))
        case "TYPE": (earlier, family.type) = (family.type, parts[3])
        case "UNIT" where format == .openMetrics: (earlier, family.unit) = (family.unit, parts[3])
        default: throw Problem(description: "unknown metadata: \(line)")
        }
        guard earlier == nil else { throw Problem(description: "said twice: \(line)") }
        families[parts[2]] = family
    }

    private func unescape(_ text: [Unicode.Scalar]) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = text[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "\\": result.append("\\")
            case "n": result.append("\n")
            case "\"" where format == .openMetrics: result.append("\"")
            case let other: throw Problem(description: "unknown escape \(String(describing: other))")
            }
        }
        return String(result)
    }

    private mutating func readSample(_ line: [Unicode.Scalar], _ seen: inout Set<String>) throws {
        var rest = line[...]
        let name = Self.string(Array(rest.prefix { $0 != "{" && $0 != " " }))
        rest = rest.dropFirst(name.unicodeScalars.count)
        var labels: [(name: String, value: String)] = []
        if rest.first == "{" {
            rest.removeFirst()
            repeat { labels.append(try readLabel(&rest)) } while rest.first == "," && rest.popFirst() != nil
            guard rest.popFirst() == "}" else { throw Problem(description: "labels do not end: \(Self.string(line))") }
        }
        guard rest.popFirst() == " " else { throw Problem(description: "no value: \(Self.string(line))") }
        let value = try number(Self.string(Array(rest)))
        guard let family = names.last, var entry = families[family] else {
            throw Problem(description: "\(name) is not declared")
        }
        guard
            seen.insert(name + "\u{0}" + labels.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "\u{0}"))
                .inserted
        else {
            throw Problem(description: "series twice: \(Self.string(line))")
        }
        entry.samples.append((name, labels, value))
        families[family] = entry
    }

    private func readLabel(_ rest: inout ArraySlice<Unicode.Scalar>) throws -> (name: String, value: String) {
        let name = Self.string(Array(rest.prefix { $0 != "=" }))
        rest = rest.dropFirst(name.unicodeScalars.count + 1)
        guard !name.isEmpty, rest.popFirst() == "\"" else { throw Problem(description: "not a label: \(name)") }
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return (name, String(value)) }
            guard scalar == "\\" else {
                value.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "\\": value.append("\\")
            case "n": value.append("\n")
            case "\"": value.append("\"")
            case let other: throw Problem(description: "unknown escape \(String(describing: other))")
            }
        }
        throw Problem(description: "label \(name) does not end")
    }

    private func number(_ text: String) throws -> Double {
        switch text {
        case "NaN": return .nan
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        default:
            guard let value = Double(text), value.isFinite, !text.contains("x"), !text.contains("n") else {
                throw Problem(description: "not a number: \(text)")
            }
            return value
        }
    }

    // MARK: Rules of whole families

    private func check(_ name: String) throws {
        guard let family = families[name], let type = family.type, family.help != nil else {
            throw Problem(description: "\(name) lacks TYPE or HELP")
        }
        if let unit = family.unit, !name.hasSuffix("_" + unit) {
            throw Problem(description: "\(name) does not end in \(unit)")
        }
        let suffixes: [String]
        switch (type, format) {
        case ("gauge", _), ("counter", .prometheusText): suffixes = [""]
        case ("counter", .openMetrics): suffixes = ["_total"]
        case ("info", .openMetrics): suffixes = ["_info"]
        case ("histogram", _): suffixes = ["_bucket", "_sum", "_count"]
        default: throw Problem(description: "\(name) has the unknown type \(type)")
        }
        for sample in family.samples {
            guard suffixes.contains(where: { sample.name == name + $0 }) else {
                throw Problem(description: "\(sample.name) in \(name)")
            }
            if type == "counter", !(sample.value >= 0) { throw Problem(description: "\(sample.name) is negative") }
            if type == "info", sample.value != 1 { throw Problem(description: "\(sample.name) is not 1") }
        }
        if type == "histogram" { _ = try histograms(of: name) }
    }

    /// The histograms of a family by their labels without `le`: counts per bucket and sum.
    func histograms(of name: String) throws -> [(labels: [String], bounds: [Double], value: HistogramValue)] {
        var result: [(labels: [String], bounds: [Double], value: HistogramValue)] = []
        var bounds: [Double] = []
        var counts: [Double] = []
        var sum: Double?
        for sample in families[name]?.samples ?? [] {
            switch sample.name {
            case name + "_bucket":
                guard let last = sample.labels.last, last.name == "le", sum == nil else {
                    throw Problem(description: "\(name): le")
                }
                let bound = try number(last.value)
                guard bound > (bounds.last ?? -.infinity), sample.value >= (counts.last ?? 0),
                    last.value == "+Inf" || last.value.contains(".") || last.value.contains("e")
                else { throw Problem(description: "\(name): the buckets do not rise, or \(last.value) is not a float") }
                bounds.append(bound)
                counts.append(sample.value)
            case name + "_sum":
                sum = sample.value
            default:
                guard let seen = sum, bounds.last == .infinity, counts.last == sample.value else {
                    throw Problem(description: "\(name): the count is not that of the infinite bucket")
                }
                let alone = zip(counts, [0] + counts).map { UInt64($0 - $1) }
                result.append((sample.labels.map(\.value), bounds, HistogramValue(counts: alone, sum: seen)))
                (bounds, counts, sum) = ([], [], nil)
            }
        }
        guard bounds.isEmpty else { throw Problem(description: "\(name): a histogram does not end") }
        return result
    }
}
