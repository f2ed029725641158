import ClusterState
import Foundation
import Logging
import Testing

/// Waits until a condition holds. The limit only ends a test that would otherwise hang.
func eventually(
    _ what: String, within limit: Duration = .seconds(120), sourceLocation: SourceLocation = #_sourceLocation,
    found: () -> String = { "" }, _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("never: \(what) \(found())", sourceLocation: sourceLocation)
            throw NeverHappened(what: what)
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

struct NeverHappened: Error {
    var what: String
}

/// Silent, or on standard error with AMAS_TEST_LOG in the environment.
func testLogger(_ label: String) -> Logger {
    guard ProcessInfo.processInfo.environment["AMAS_TEST_LOG"] != nil else {
        return Logger(label: label) { _ in SwiftLogNoOpLogHandler() }
    }
    var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .info
    return logger
}

/// Blocking work away from the concurrency pool.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
