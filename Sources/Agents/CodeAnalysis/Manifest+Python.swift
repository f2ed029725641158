extension Manifest {
    /// `requirements.txt`: one requirement a line, options and comments aside.
    static func requirements(_ file: SourceFile) -> [Dependency] {
        lines(of: file).compactMap { line in
            let text = withoutComment(line.text)
            guard !text.isEmpty, !text.hasPrefix("-") else { return nil }
            return pythonDependency(text, line: line.number)
        }
    }

    /// `pyproject.toml`: the lists of `[project]`, and the tables of Poetry.
    static func pythonProject(_ file: SourceFile) -> [Dependency] {
        var found: [Dependency] = []
        var section = ""
        var isInList = false
        for line in lines(of: file) {
            let text = withoutComment(line.text)
            if !isInList, text.hasPrefix("["), text.hasSuffix("]") {
                section = text
                continue
            }
            if isInList || isListStart(text, section: section) {
                isInList = !text.hasSuffix("]")
                found += quotedTexts(text).compactMap { pythonDependency($0, line: line.number) }
            } else if section.hasPrefix("[tool.poetry"), section.contains("dependencies") {
                guard let (name, value) = text.halves(at: "="), name.trimmed != "python" else { continue }
                found.append(poetryDependency(name.trimmed, value.trimmed, line: line.number))
            }
        }
        return found
    }

    private static func isListStart(_ text: String, section: String) -> Bool {
        guard let (name, value) = text.halves(at: "="), value.trimmed.hasPrefix("[") else { return false }
        if section == "[project]" { return name.trimmed == "dependencies" }
        return section == "[project.optional-dependencies]" || section == "[dependency-groups]"
            || (section == "[build-system]" && name.trimmed == "requires")
    }

    private static func quotedTexts(_ text: String) -> [String] {
        var texts: [String] = []
        var quote: Character?
        var current = ""
        for character in text {
            if let open = quote {
                if character == open {
                    texts.append(current)
                    quote = nil
                } else {
                    current.append(character)
                }
            } else if character == "\"" || character == "'" {
                quote = character
                current = ""
            }
        }
        return texts
    }

    /// `name[extra] >= 1.0, < 2 ; marker`, or `name @ url`.
    private static func pythonDependency(_ text: String, line: Int) -> Dependency? {
        let plain = text.halves(at: ";").map { $0.0 } ?? text
        let name = plain.prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == "." }
        guard let first = name.first, first.isLetter || first.isNumber else { return nil }
        var requirement = plain.dropFirst(name.count).trimmed
        if requirement.hasPrefix("["), let (_, behind) = requirement.halves(at: "]") { requirement = behind.trimmed }
        let pin: Dependency.Pin
        if requirement.hasPrefix("==") && !requirement.contains("*") {
            pin = .exact
        } else if requirement.contains("<") || requirement.contains("~=") || requirement.contains("==") {
            pin = .range
        } else {
            pin = .none
        }
        return Dependency(
            ecosystem: .python, name: String(name), requirement: requirement, pin: pin, line: line,
            isFetchedInPlain: isPlain(requirement))
    }

    private static func poetryDependency(_ name: String, _ value: String, line: Int) -> Dependency {
        var requirement = value.unquoted ?? ""
        if value.hasPrefix("{"), let version = value.firstRange(of: "version"),
            let text = quotedTexts(String(value[version.upperBound...])).first
        {
            requirement = text
        }
        let pin: Dependency.Pin
        if requirement.isEmpty || requirement == "*" || (requirement.hasPrefix(">") && !requirement.contains("<")) {
            pin = .none
        } else {
            pin = requirement.first.map { $0.isNumber || $0 == "=" } ?? false ? .exact : .range
        }
        return Dependency(
            ecosystem: .python, name: name, requirement: requirement, pin: pin, line: line,
            isFetchedInPlain: isPlain(value))
    }

    static func withoutComment(_ line: String) -> String {
        // A `#` inside a URL has no blank before it.
        if line.trimmed.hasPrefix("#") { return "" }
        guard let range = line.firstRange(of: " #") else { return line.trimmed }
        return line[..<range.lowerBound].trimmed
    }
}
