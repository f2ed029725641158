import NIOCore

/// Where a node's peer port is: a DNS name or an IP address, and a port. Names are resolved again at each dial.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// Bytes that the host may have (the longest DNS name).
    public static let maximumHostBytes = 255

    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[v6]:port`. Nil for anything else, a port outside 0...65535 included.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= Self.maximumHostBytes else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The socket address if the host is a literal, so that a dial needs no resolver.
    var literal: SocketAddress? { try? SocketAddress(ipAddress: host, port: port) }
}
