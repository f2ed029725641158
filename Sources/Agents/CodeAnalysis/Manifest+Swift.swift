extension Manifest {
    /// `.package(url: "…", exact: "1.2.3")` and its forms, by tokens.
    static func swiftPackage(_ file: SourceFile) -> [Dependency] {
        let view = CodeView(file)
        var found: [Dependency] = []
        for position in 0..<view.count where view.text(position) == "package" && view.symbol(position - 1) == .dot {
            guard view.symbol(position + 1) == .openParenthesis, let close = view.partner(position + 1) else {
                continue
            }
            if let dependency = swiftDependency(view, position, close) { found.append(dependency) }
        }
        return found
    }

    private static func swiftDependency(_ view: CodeView, _ start: Int, _ close: Int) -> Dependency? {
        var url = ""
        var pin = Dependency.Pin.none
        var requirement: [String] = []
        for position in (start + 2)..<close {
            switch view.text(position) {
            case "path" where view.symbol(position + 1) == .colon: return nil
            case "url" where view.symbol(position + 1) == .colon:
                url = view.text(position + 2).unquoted ?? ""
            case "exact", "revision": pin = .exact
            case "from", "upToNextMajor", "upToNextMinor": pin = pin == .exact ? .exact : .range
            case "branch": pin = .none
            default:
                if view.tokens[position].kind == .string, let text = view.text(position).unquoted, text != url {
                    requirement.append(text)
                    if view.symbol(position + 1) == .dot || view.symbol(position + 1) == .ellipsis { pin = .range }
                }
            }
        }
        guard !url.isEmpty else { return nil }
        var name = url.split(separator: "/").last.map(String.init) ?? url
        if name.hasSuffix(".git") { name = String(name.dropLast(4)) }
        return Dependency(
            ecosystem: .swift, name: name, requirement: requirement.joined(separator: " – "), pin: pin,
            line: view.line(start), isFetchedInPlain: url.hasPrefix("http://") || url.hasPrefix("git://"))
    }
}
