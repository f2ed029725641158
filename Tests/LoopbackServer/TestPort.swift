import Glibc
import Synchronization

/// Ports of 127.0.0.1 for servers that are told theirs before they listen, or come back on the same one.
///
/// They lie below those that the kernel hands out: between the choice and the listening, and while a server is down, no
/// connection or other listener of the machine is given one of them by chance.
public enum TestPort {
    private static let range = 12_000..<32_000
    private static let last = Mutex(Int.random(in: range))

    /// A port on which nothing listens now, and which this process has not been given before.
    public static func next() throws -> Int {
        for _ in range {
            let port = last.withLock { last in
                last = last + 1 < range.upperBound ? last + 1 : range.lowerBound
                return last
            }
            if isFree(port) { return port }
        }
        throw LoopbackError(code: EADDRINUSE)
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
