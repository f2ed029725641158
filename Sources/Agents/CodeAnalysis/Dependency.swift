/// One package that a project names as needed.
struct Dependency: Sendable, Hashable {
    var ecosystem: Ecosystem
    var name: String
    /// As written, or empty where none is.
    var requirement: String
    var pin: Pin
    /// From 1.
    var line: Int
    /// Fetched over a connection that anyone on the way can change.
    var isFetchedInPlain = false

    enum Ecosystem: String, Sendable, Hashable {
        case swift = "Swift"
        case npm = "npm"
        case python = "Python"
        case go = "Go"
        case cargo = "Cargo"
        case maven = "Maven"
    }

    enum Pin: String, Sendable, Hashable {
        /// One version.
        case exact
        /// A range with an upper end.
        case range
        /// Any version, now and later.
        case none
    }
}

/// Reads manifests. Each reader takes what it recognises and passes over the rest; none of them fails.
enum Manifest {
    static func dependencies(in file: SourceFile) -> [Dependency] {
        switch file.path.split(separator: "/").last.map(String.init) ?? "" {
        case "Package.swift": swiftPackage(file)
        case "package.json": npmPackage(file)
        case "pyproject.toml": pythonProject(file)
        case "go.mod": goModule(file)
        case "Cargo.toml": cargoManifest(file)
        case "pom.xml": mavenProject(file)
        case let name where name.hasPrefix("requirements") && name.hasSuffix(".txt"): requirements(file)
        default: []
        }
    }

    static func lines(of file: SourceFile) -> [(number: Int, text: String)] {
        file.lineStarts.indices.map { (number: $0 + 1, text: String(decoding: file.lineBytes($0 + 1), as: UTF8.self)) }
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, Ascii.isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, Ascii.isSpace(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text between quotes, or nil where it is not quoted.
    var unquoted: String? {
        let text = trimmed
        guard text.count >= 2, let first = text.first, first == "\"" || first == "'", text.last == first else {
            return nil
        }
        return String(text.dropFirst().dropLast())
    }

    /// The two parts around the first occurrence of a character, or nil.
    func halves(at separator: Character) -> (String, String)? {
        guard let position = firstIndex(of: separator) else { return nil }
        return (String(self[..<position]), String(self[index(after: position)...]))
    }
}
