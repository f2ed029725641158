/// One line of `GET /api/v1/health`: a part of the node as it is now.
public struct ComponentHealth: Sendable {
    public enum Status: String, Sendable {
        case ok
        /// Works, but something that it wants is missing.
        case degraded
        case down
    }

    public var name: String
    public var status: Status
    /// One sentence; nil if there is nothing to say.
    public var detail: String?
    /// Figures to look at, by name.
    public var figures: [(name: String, value: Double)]

    public init(name: String, status: Status, detail: String? = nil, figures: [(name: String, value: Double)] = []) {
        self.name = name
        self.status = status
        self.detail = detail
        self.figures = figures
    }
}
