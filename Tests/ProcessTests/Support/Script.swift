import Foundation

/// A program that is run to its end, on a thread of its own.
enum Script {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameter input: where the program reads from; it sees the end at once if there is none.
    /// - Returns: what it printed on standard output.
    /// - Throws: `Failure` with its words if it ends with another code than 0.
    @discardableResult
    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(arguments, environment: environment) })
            }
        }
    }

    private static func runBlocking(_ arguments: [String], environment: [String: String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        // Files, not pipes: what the scripts leave running would hold a pipe open.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let outputs = try ["out", "err"].map { name in
            let url = folder.appendingPathComponent(name)
            try Data().write(to: url)
            return (url: url, handle: try FileHandle(forWritingTo: url))
        }
        process.standardOutput = outputs[0].handle
        process.standardError = outputs[1].handle
        try process.run()
        process.waitUntilExit()
        let text = try outputs.map { String(decoding: try Data(contentsOf: $0.url), as: UTF8.self) }
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(arguments.joined(separator: " ")): \(text.joined())")
        }
        return text[0]
    }
}
