/// How a line looks.
public enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line, for machines.
    case json
    /// For a person at a terminal.
    case text
}
