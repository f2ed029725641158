import LoopbackClient

/// What a test waited for did not come about.
struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Asks until the answer is there. The limit is no promise of speed: it only turns a hang into a failure.
func eventually<Value>(
    _ what: String, seconds: Int = 120, _ ask: () async throws -> Value?
) async throws -> Value {
    let limit = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < limit {
        if let value = try await ask() { return value }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw NeverHappened(description: "\(what), within \(seconds) s")
}

/// Asks until it holds.
func until(_ what: String, seconds: Int = 120, _ holds: () async throws -> Bool) async throws {
    _ = try await eventually(what, seconds: seconds) { try await holds() ? true : nil }
}
