extension Manifest {
    /// `require module v1.2.3`, alone or in brackets. Go always names one version.
    static func goModule(_ file: SourceFile) -> [Dependency] {
        var found: [Dependency] = []
        var isInBlock = false
        for line in lines(of: file) {
            var text = line.text
            if let comment = text.firstRange(of: "//") { text = String(text[..<comment.lowerBound]) }
            var words = text.split { $0 == " " || $0 == "\t" }.map(String.init)
            if words.first == "require" {
                words.removeFirst()
                if words.first == "(" { isInBlock = true }
            } else if words.first == ")" {
                isInBlock = false
                continue
            } else if !isInBlock {
                continue
            }
            guard words.count >= 2, words[1].hasPrefix("v") else { continue }
            found.append(
                Dependency(ecosystem: .go, name: words[0], requirement: words[1], pin: .exact, line: line.number))
        }
        return found
    }

    /// The tables of `Cargo.toml` whose names end with `dependencies`, and `[dependencies.name]`.
    static func cargoManifest(_ file: SourceFile) -> [Dependency] {
        var found: [Dependency] = []
        var isInTable = false
        var single: Int?
        for line in lines(of: file) {
            let text = withoutComment(line.text)
            if text.hasPrefix("[") {
                let section = text.filter { $0 != "[" && $0 != "]" }
                isInTable = section.hasSuffix("dependencies")
                single = nil
                if let name = section.firstRange(of: "dependencies.").map({ String(section[$0.upperBound...]) }) {
                    single = found.count
                    found.append(
                        Dependency(ecosystem: .cargo, name: name, requirement: "", pin: .none, line: line.number))
                }
                continue
            }
            guard let (name, value) = text.halves(at: "=") else { continue }
            if let single {
                if name.trimmed == "version", let version = value.unquoted { cargoVersion(version, of: &found[single]) }
                if name.trimmed == "path" { found[single].pin = .exact }
            } else if isInTable {
                var dependency = Dependency(
                    ecosystem: .cargo, name: name.trimmed, requirement: "", pin: .none, line: line.number,
                    isFetchedInPlain: isPlain(value))
                cargoValue(value, of: &dependency)
                found.append(dependency)
            }
        }
        return found
    }

    private static func cargoValue(_ value: String, of dependency: inout Dependency) {
        if let version = value.unquoted { return cargoVersion(version, of: &dependency) }
        for part in value.split(whereSeparator: { "{},".contains($0) }) {
            guard let (key, text) = part.halves(at: "=") else { continue }
            switch key.trimmed {
            case "version": text.unquoted.map { cargoVersion($0, of: &dependency) }
            case "path", "rev", "workspace": dependency.pin = .exact
            default: break
            }
        }
    }

    private static func cargoVersion(_ version: String, of dependency: inout Dependency) {
        dependency.requirement = version
        if version == "*" || (version.hasPrefix(">") && !version.contains("<")) {
            dependency.pin = .none
        } else {
            // Without a sign Cargo takes compatible versions.
            dependency.pin = version.hasPrefix("=") ? .exact : .range
        }
    }

    /// Each `<dependency>` of `pom.xml` outside of comments.
    static func mavenProject(_ file: SourceFile) -> [Dependency] {
        var found: [Dependency] = []
        var current: (fields: [String: String], line: Int)?
        var isInComment = false
        for line in lines(of: file) {
            let text = visible(line.text, isInComment: &isInComment)
            if text.contains("<dependency>") { current = ([:], line.number) }
            if var open = current {
                for field in ["groupId", "artifactId", "version"] where open.fields[field] == nil {
                    open.fields[field] = element(field, in: text)
                }
                current = open
            }
            if text.contains("</dependency>"), let (fields, number) = current {
                let version = fields["version"] ?? ""
                let isOpen = ["LATEST", "RELEASE"].contains(version) || version.hasSuffix(",)")
                found.append(
                    Dependency(
                        ecosystem: .maven,
                        name: [fields["groupId"], fields["artifactId"]].compactMap { $0 }.joined(separator: ":"),
                        // Without a version the parent decides.
                        requirement: version, pin: isOpen ? .none : version.hasPrefix("[") ? .range : .exact,
                        line: number))
                current = nil
            }
        }
        return found
    }

    private static func visible(_ line: String, isInComment: inout Bool) -> String {
        var rest = line[...]
        var text = ""
        while !rest.isEmpty {
            if isInComment {
                guard let end = rest.firstRange(of: "-->") else { return text }
                rest = rest[end.upperBound...]
                isInComment = false
            } else if let start = rest.firstRange(of: "<!--") {
                text += rest[..<start.lowerBound]
                rest = rest[start.upperBound...]
                isInComment = true
            } else {
                return text + rest
            }
        }
        return text
    }

    private static func element(_ name: String, in text: String) -> String? {
        guard let open = text.firstRange(of: "<\(name)>") else { return nil }
        let rest = text[open.upperBound...]
        guard let close = rest.firstRange(of: "</\(name)>") else { return nil }
        return rest[..<close.lowerBound].trimmed
    }
}
