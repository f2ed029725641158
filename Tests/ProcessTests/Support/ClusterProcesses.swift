import Agents
import Foundation
import Glibc
import LoopbackClient
import Synchronization

/// A cluster of real processes, made by `cluster/up`, of one test. Whatever becomes of the test, a small shell that holds
/// the other end of a pipe takes it down.
final class ClusterProcesses: Sendable {
    struct Node: Sendable {
        var name: String
        var port: Int
    }

    let folder: String
    let nodes: [Node]
    let balancerPort: Int
    let token: String
    let database: String

    private init(folder: String) throws {
        let lines = try String(contentsOfFile: folder + "/cluster.env", encoding: .utf8).split(separator: "\n")
        var values: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: "=", maxSplits: 1)
            values[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        func port(_ url: some StringProtocol) -> Int { Int(url.split(separator: ":").last ?? "") ?? 0 }
        self.folder = folder
        balancerPort = port(values["AMAS_URL"] ?? "")
        token = values["AMAS_TOKEN"] ?? ""
        database = values["AMAS_PG"] ?? ""
        let names = (values["AMAS_PIDS"] ?? "").split(separator: ",").map { String($0.split(separator: "=")[0]) }
        let ports = (values["AMAS_NODES"] ?? "").split(separator: ",").map { port($0) }
        nodes = zip(names, ports).map { Node(name: $0, port: $1) }
    }

    /// Runs a cluster for the time of `body`. If that throws, the nodes' complaints are printed.
    /// - Parameters:
    ///   - environment: settings for every node, until it is started again.
    ///   - project: whose scripts and build make it.
    static func run(
        environment: [String: String] = [:], project: String = project,
        _ body: (ClusterProcesses) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("amas-\(UUID().uuidString)").path
        let guardian = try Guardian(folder: folder)
        let result: Result<Void, any Error>
        do {
            try await up(folder, environment, project)
            result = .success(try await body(ClusterProcesses(folder: folder)))
        } catch {
            printComplaints(of: folder)
            result = .failure(error)
        }
        await guardian.release()
        try result.get()
    }

    private static func up(_ folder: String, _ environment: [String: String], _ project: String) async throws {
        // Below the ports that the kernel hands out, so that only another cluster can be in the way.
        var last: (any Error)?
        for _ in 0..<5 {
            let port = Int.random(in: 110...310) * 100
            do {
                try await Script.run(
                    ["\(project)/cluster/up", "--debug", "--no-demo", "--data", folder, "--port", "\(port)"],
                    environment: environment)
                return
            } catch let error as Script.Failure where error.description.contains("is in use") {
                last = error
            }
        }
        throw last ?? Script.Failure(description: "no range of ports is free")
    }

    static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static func script(_ name: String) -> String { "\(project)/cluster/\(name)" }

    private static func printComplaints(of folder: String) {
        for node in (try? FileManager.default.contentsOfDirectory(atPath: folder + "/nodes"))?.sorted() ?? [] {
            let log = (try? String(contentsOfFile: "\(folder)/nodes/\(node)/log", encoding: .utf8)) ?? ""
            let complaints = log.split(separator: "\n").filter { !$0.contains(#""level":"info""#) }
            print("—— \(node)\n" + complaints.suffix(40).joined(separator: "\n"))
        }
    }

    // MARK: What a test does to it

    func kill(_ node: String, _ signal: String) async throws {
        try await Script.run([Self.script("kill"), node, signal, "--data", folder])
    }

    /// Returns once the process runs; it is ready later.
    /// - Parameter environment: settings for this run of the node.
    func start(_ node: String, environment: [String: String] = [:]) async throws {
        try await Script.run([Self.script("start"), node, "--data", folder], environment: environment)
    }

    /// Asks a node to end in good order, and waits for it.
    func stop(_ node: String) async throws {
        let pid = try String(contentsOfFile: "\(folder)/nodes/\(node)/pid", encoding: .utf8)
        try await kill(node, "TERM")
        try await until("\(node) ends") {
            // A process that nobody has collected yet has no command line any more.
            (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)).map(\.isEmpty) ?? true
        }
    }

    /// What a node has written to its log, in all its runs.
    func log(of node: String) throws -> [JSONValue] {
        try String(contentsOfFile: "\(folder)/nodes/\(node)/log", encoding: .utf8).split(separator: "\n")
            .compactMap { try? AgentJSON.decode(JSONValue.self, from: Array($0.utf8)) }
    }

    /// The database goes as it would with its machine: at once, without a word.
    func killDatabase() async throws {
        let pid = try String(contentsOfFile: folder + "/pg.pid", encoding: .utf8)
        let master = pid_t(pid.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        guard master > 1 else { throw Script.Failure(description: "no PostgreSQL to kill") }
        Glibc.kill(master, SIGQUIT)
        while Glibc.kill(master, 0) == 0 { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// Starts what does not run; `up` is made for that.
    func startAgain() async throws {
        try await Script.run([Self.script("up"), "--debug", "--no-demo", "--data", folder])
    }

    /// Ends the nodes in good order, so that their logs can be read; the data stays.
    func down() async throws {
        try await Script.run([Self.script("down"), "--data", folder])
    }

    /// Rows of a query, their columns separated by "|".
    func query(_ sql: String) async throws -> [String] {
        try await Script.run(["psql", "--no-psqlrc", "-At", database, "-c", sql])
            .split(separator: "\n").map(String.init)
    }

    var ports: [Int] { nodes.map(\.port) }
    func port(of name: String) -> Int { nodes.first { $0.name == name }?.port ?? 0 }
}

/// Takes the cluster down when the pipe to it closes, by `release` or by the end of this process.
private final class Guardian: Sendable {
    private let pipe = Pipe()
    private let process = Process()

    init(folder: String) throws {
        // Only we may hold the writing end, or the pipe stays open after us.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let down = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("cluster/down").path
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let script = """
            trap '' INT TERM HUP
            cat > /dev/null
            for pid in "$2"/nodes/*/pid; do kill -CONT "$(cat "$pid")" 2> /dev/null; done
            "$1" --purge --data "$2" > /dev/null 2>&1
            """
        process.arguments = ["-c", script, "guardian", down, folder]
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func release() async {
        try? pipe.fileHandleForWriting.close()
        await withCheckedContinuation { done in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                done.resume()
            }
        }
    }
}
