import Glibc

@testable import Agents

/// A folder of its own for one test, removed with everything in it when the test lets go of it.
final class TemporaryFolder {
    let path: String

    init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/amas-agents-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let real = realpath(made, nil) else { throw TestFailure("mkdtemp failed") }
        defer { free(real) }
        path = String(cString: real)
    }

    deinit { TemporaryFolder.remove(path) }

    /// Writes a file, making the folders on the way.
    func write(_ name: String, _ text: String) throws {
        try write(name, bytes: Array(text.utf8))
    }

    func write(_ name: String, bytes: [UInt8]) throws {
        try makeFolders(name.split(separator: "/").dropLast().map(String.init))
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw TestFailure("cannot write \(name)") }
        defer { close(file) }
        guard bytes.isEmpty || Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw TestFailure("short write of \(name)")
        }
    }

    func makeFolders(_ parts: [String]) throws {
        var folder = path
        for part in parts {
            folder += "/\(part)"
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw TestFailure("cannot make \(folder)") }
        }
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, "\(path)/\(name)") == 0 else { throw TestFailure("cannot link \(name)") }
    }

    private static func remove(_ path: String) {
        guard let folder = opendir(path) else { return }
        defer {
            closedir(folder)
            rmdir(path)
        }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            if entry.pointee.d_type == UInt8(DT_DIR) { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
    }
}

struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// One pool for all tests, as one node has one.
let testThreads = ToolThreads(threads: 2, queueLimit: 256)

/// Runs one tool over a folder.
func run(_ tool: any Tool, in folder: TemporaryFolder, target: String = ".", limits: Limits = Limits()) async throws
    -> Evidence
{
    let context = ToolContext(workspace: try Workspace(roots: [folder.path]), threads: testThreads, limits: limits)
    return try await tool.run(["target": .string(target)], in: context)
}

/// A place and a rule: how planted faults are named.
struct Planted: Hashable, CustomStringConvertible {
    var rule: String
    var path: String
    var line: Int

    init(_ rule: String, _ path: String, _ line: Int) {
        self.rule = rule
        self.path = path
        self.line = line
    }

    init(_ finding: Finding) { self.init(finding.rule, finding.location.path, finding.location.line) }

    var description: String { "\(rule) at \(path):\(line)" }
}

extension Evidence {
    var planted: Set<Planted> { Set(findings.map(Planted.init)) }

    func metric(_ name: String) -> Double? { metrics.first { $0.name == name }?.value }
}

func file(_ path: String, _ text: String) -> SourceFile { SourceFile(path: path, bytes: Array(text.utf8)) }

/// A small generator with a seed that a failing test prints.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
