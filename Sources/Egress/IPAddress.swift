import Glibc

/// An IPv4 or IPv6 address, compared and ranged as a number.
public enum IPAddress: Sendable, Hashable {
    case v4(UInt32)
    case v6(UInt128)

    /// Strict forms only: four decimal numbers without leading zeros, or RFC 4291 text without brackets and zone.
    public init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(six)
        } else {
            return nil
        }
    }

    /// The address in a socket address, nil if it is of another family than IPv4 and IPv6.
    init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET: self = .v4(UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6: self.init(raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr)
        default: return nil
        }
    }

    private init(_ address: in6_addr) {
        self = .v6(withUnsafeBytes(of: address) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
    }

    /// The IPv4 address that packets for this one reach in the end: of an IPv4-mapped address (`::ffff:0:0/96`) and of
    /// one behind the well-known NAT64 prefix (`64:ff9b::/96`). Both are judged by it.
    public var embeddedIPv4: IPAddress? {
        guard case .v6(let value) = self else { return nil }
        let prefix = value >> 32
        let isMapped = prefix == 0xffff
        let isNAT64 = prefix == 0x0064_ff9b_0000_0000_0000_0000
        return isMapped || isNAT64 ? .v4(UInt32(truncatingIfNeeded: value)) : nil
    }

    /// As a host in a URL: IPv6 in brackets.
    var inURL: String {
        switch self {
        case .v4: description
        case .v6: "[\(description)]"
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text, as `inet_ntop` writes it.
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .v4(let value):
            var address = in_addr(s_addr: value.bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        case .v6(let value):
            var bytes = value.bigEndian
            inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
