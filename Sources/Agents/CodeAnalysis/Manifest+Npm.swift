extension Manifest {
    static func npmPackage(_ file: SourceFile) -> [Dependency] {
        guard let manifest = try? AgentJSON.decode(JSONValue.self, from: file.bytes) else { return [] }
        let sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
        var found: [Dependency] = []
        for section in sections {
            guard let packages = manifest[section]?.objectValue else { continue }
            let start = offset(of: "\"\(section)\"", in: file, from: 0) ?? 0
            for name in packages.keys.sorted() {
                let requirement = packages[name]?.stringValue ?? ""
                let place = offset(of: "\"\(name)\"", in: file, from: start) ?? start
                found.append(
                    Dependency(
                        ecosystem: .npm, name: name, requirement: requirement, pin: npmPin(requirement),
                        line: file.line(at: place), isFetchedInPlain: isPlain(requirement)))
            }
        }
        return found
    }

    private static func npmPin(_ requirement: String) -> Dependency.Pin {
        if requirement.isEmpty || ["*", "x", "latest", "next"].contains(requirement) { return .none }
        if requirement.hasPrefix(">"), !requirement.contains("<") { return .none }
        // A place on disk or in the same workspace is no version to be surprised by.
        if ["file:", "link:", "workspace:"].contains(where: requirement.hasPrefix) { return .exact }
        if requirement.contains("://") || requirement.hasPrefix("git") {
            return requirement.contains("#") ? .exact : .none
        }
        if let first = requirement.first, first.isNumber { return requirement.contains(" ") ? .range : .exact }
        return .range
    }

    static func isPlain(_ requirement: String) -> Bool {
        ["http://", "git://", "git+http://"].contains { requirement.contains($0) }
    }

    private static func offset(of text: String, in file: SourceFile, from start: Int) -> Int? {
        ByteSearch.first(Array(text.utf8), in: file.bytes[start...]).map { start + $0 }
    }
}
