import Foundation
import Glibc
import LoopbackServer

/// A real PostgreSQL server for tests: its own folder, a free port on loopback, a password, no durability.
///
/// Works as root (the server then runs as user `postgres`) and as an ordinary user. It ends with the test process however
/// that ends: a small shell holds the other end of a pipe, and when the pipe closes it ends the server by its process
/// number and removes the folder.
public final class PostgresServer: Sendable {
    /// The port on 127.0.0.1.
    public let port: Int
    /// The superuser's password.
    public static let password = "s3cret%word"
    private let folder: String
    private let guardian: Guardian
    private let postmaster: PostmasterProcess

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// One server for all tests of the process that do not harm it.
    public static func shared() async throws -> PostgresServer {
        try await sharedServer.value
    }

    private static let sharedServer = Task { try await start() }

    /// A server of the caller's own, for tests that kill or halt it.
    public static func start() async throws -> PostgresServer {
        let template = try await Template.shared.value
        return try await onThread {
            let folder = try makeFolder()
            let guardian = try Guardian(folder: folder)
            try run(["cp", "-a", template.folder + "/data", folder + "/data"])
            // Another process may take a free port before the server does.
            for _ in 0..<5 {
                let port = try TestPort.next()
                let postmaster = PostmasterProcess(folder: folder, port: port)
                if try postmaster.launch() {
                    return PostgresServer(port: port, folder: folder, guardian: guardian, postmaster: postmaster)
                }
            }
            let log = try? String(contentsOfFile: folder + "/log", encoding: .utf8)
            throw Failure(description: "PostgreSQL did not start: \(log ?? "no log")")
        }
    }

    private init(port: Int, folder: String, guardian: Guardian, postmaster: PostmasterProcess) {
        self.port = port
        self.folder = folder
        self.guardian = guardian
        self.postmaster = postmaster
    }

    /// A connection string for the superuser `amas`. It is patient, as a machine full of tests may be slow to let one in.
    public func connectionString(database: String = "postgres") -> String {
        "host=127.0.0.1 port=\(port) user=amas password='\(Self.password)' dbname=\(database) connect_timeout=20"
    }

    /// Kills every process of the server at once, as a power failure would.
    public func kill() {
        let processes = postmaster.processes()
        // Halted first, so that the postmaster starts nothing new in between.
        for process in processes { Glibc.kill(process, SIGSTOP) }
        for process in processes { Glibc.kill(process, SIGKILL) }
        postmaster.waitUntilExit()
    }

    /// Asks for a fast shutdown, in which the server tells its clients, and waits for it.
    public func shutDown() {
        if let pid = postmaster.pid { Glibc.kill(pid, SIGINT) }
        postmaster.waitUntilExit()
    }

    /// Starts the server again on the same port after `kill` or `shutDown`.
    public func restart() async throws {
        let started = try await onThread { [postmaster] in try postmaster.launch() }
        guard started else { throw Failure(description: "PostgreSQL did not start again on port \(port)") }
    }

    /// Starts the server again as a standby without a primary: it answers reads and refuses writes.
    public func restartAsStandby() async throws {
        try await onThread { [folder] in
            try run(try asServerUser() + ["touch", folder + "/data/standby.signal"])
        }
        try await restart()
    }

    /// Halts every process of the server: connections stay open and nothing answers.
    public func pause() {
        for process in postmaster.processes() { Glibc.kill(process, SIGSTOP) }
    }

    /// Lets a halted server go on.
    public func resume() {
        for process in postmaster.processes() { Glibc.kill(process, SIGCONT) }
    }

    /// Ends the server and removes its folder, now rather than at the end of the process.
    public func stop() async {
        guardian.release()
        await onThread { [postmaster] in postmaster.waitUntilExit() }
    }
}

/// The server's main process, which can be started again in the same folder.
private final class PostmasterProcess: @unchecked Sendable {
    // Unchecked: `process` is only touched under `lock`.
    private let lock = NSLock()
    private var process: Process?
    private let folder: String
    private let port: Int

    init(folder: String, port: Int) {
        self.folder = folder
        self.port = port
    }

    var pid: pid_t? {
        lock.withLock { process.flatMap { $0.isRunning ? $0.processIdentifier : nil } }
    }

    /// True once the server takes connections; false if it ended instead.
    func launch() throws -> Bool {
        let process = Process()
        let arguments =
            try asServerUser() + [
                binary("postgres"), "-D", folder + "/data", "-p", "\(port)", "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=\(folder)", "-c", "fsync=off", "-c", "max_connections=200",
                "-c", "shared_buffers=16MB",
            ]
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        _ = FileManager.default.createFile(atPath: folder + "/log", contents: nil)
        let log = FileHandle(forWritingAtPath: folder + "/log")
        process.standardOutput = log
        process.standardError = log
        // A killed server leaves its file behind; "ready" must be the new one's word.
        try? FileManager.default.removeItem(atPath: folder + "/data/postmaster.pid")
        try process.run()
        lock.withLock { self.process = process }
        while process.isRunning {
            let state = try? String(contentsOfFile: folder + "/data/postmaster.pid", encoding: .utf8)
            if state?.contains("ready") == true { return true }
            usleep(10_000)
        }
        return false
    }

    func waitUntilExit() {
        lock.withLock { process }?.waitUntilExit()
    }

    /// The main process and its children.
    func processes() -> [pid_t] {
        guard let pid else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let children = all.compactMap(pid_t.init).filter { candidate in
            let stat = try? String(contentsOfFile: "/proc/\(candidate)/stat", encoding: .utf8)
            // "pid (name) state parent …", where the name may hold anything.
            let fields = stat?.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && fields[1] == "\(pid)"
        }
        return [pid] + children
    }
}

/// Ends the server and removes the folder when the pipe to it closes, by `release` or by the end of this process.
private final class Guardian: Sendable {
    private let pipe = Pipe()

    private static let script = """
        trap '' INT TERM HUP
        cat > /dev/null
        pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null)
        if [ -n "$pid" ] && grep -q "$1/data" "/proc/$pid/cmdline" 2> /dev/null; then
            kill -CONT $(ps -o pid= --ppid "$pid") "$pid" 2> /dev/null
            kill -QUIT "$pid"
            while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
        fi
        rm -rf "$1"
        """

    init(folder: String) throws {
        // Only we may hold the writing end, or the pipe stays open after us.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.script, "guardian", folder]
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func release() {
        try? pipe.fileHandleForWriting.close()
    }
}

/// A fresh data folder, made once and copied for each server.
private struct Template: Sendable {
    let folder: String
    private let guardian: Guardian

    static let shared = Task { try await onThread { try Template() } }

    private init() throws {
        folder = try makeFolder()
        guardian = try Guardian(folder: folder)
        let passwordFile = folder + "/password"
        try PostgresServer.password.write(toFile: passwordFile, atomically: false, encoding: .utf8)
        try run(["chmod", "644", passwordFile])
        try run(
            asServerUser() + [
                binary("initdb"), "-D", folder + "/data", "-U", "amas", "-A", "scram-sha-256",
                "--pwfile", passwordFile, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            ])
    }
}

/// Nothing for an ordinary user; for root, whom PostgreSQL refuses, a change of user that keeps the process number.
private func asServerUser() throws -> [String] {
    geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
}

private func makeFolder() throws -> String {
    var template = Array("/var/tmp/amas-postgres-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw PostgresServer.Failure(description: "no folder in /var/tmp") }
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    if geteuid() == 0 { try run(["chown", "postgres", folder]) }
    return folder
}

/// Debian keeps the server's programs outside PATH, by version.
private func binary(_ name: String) throws -> String {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let newest = versions.compactMap(Int.init).max()
    return newest.map { "\(root)/\($0)/bin/\(name)" } ?? name
}

private func run(_ arguments: [String]) throws {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        let words = arguments.joined(separator: " ")
        throw PostgresServer.Failure(description: "\(words): \(String(decoding: text, as: UTF8.self))")
    }
}

/// Runs blocking work on a thread of its own, away from the concurrency pool.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

private func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            body()
            continuation.resume()
        }
    }
}
