/// What is never true of a correct cluster was seen.
public struct Violation: Error, Equatable, CustomStringConvertible, Sendable {
    /// The name of the checker.
    public let invariant: String
    public let description: String

    init(_ invariant: String, _ what: String) {
        self.invariant = invariant
        description = "\(invariant): \(what)"
    }
}
