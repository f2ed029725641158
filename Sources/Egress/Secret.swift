/// A value that no log, description, dump or encoder shows. It is read only where ``reveal()`` is written.
public struct Secret: Sendable, Hashable {
    private let value: String

    public init(_ value: String) { self.value = value }

    /// The value itself, for the one line that puts it on the wire.
    public func reveal() -> String { value }

    public var isEmpty: Bool { value.isEmpty }

    /// `text` with every occurrence of the value masked, for words that come back from a server.
    public func masked(in text: String) -> String {
        value.isEmpty
            ? text : text.split(separator: value, omittingEmptySubsequences: false).joined(separator: "(secret)")
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
