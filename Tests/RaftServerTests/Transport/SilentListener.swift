import Glibc
import RaftServer

/// A listening socket that never accepts. With a backlog of zero that is full, the kernel drops further SYNs, which is
/// how a host that is gone looks from outside.
struct SilentListener {
    struct Failed: Error {
        var call: String
        var code: CInt
    }

    let descriptor: CInt
    let address: PeerAddress

    init(backlog: CInt) throws(Failed) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(call: "socket", code: errno) }
        var name = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, backlog) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw Failed(call: "listen", code: errno) }
        self.descriptor = descriptor
        address = PeerAddress(host: "127.0.0.1", port: Int(UInt16(bigEndian: name.sin_port)))
    }

    /// Connects without being accepted until the backlog is full. The descriptors keep it full.
    func fill() -> [CInt] {
        (0..<4).map { _ in
            let descriptor = socket(
                AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var name = Self.loopback(port: UInt16(address.port))
            withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return descriptor
        }
    }

    func close() { _ = Glibc.close(descriptor) }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return name
    }
}
