import Glibc

/// Turns a name into addresses. Blocking; called on the resolver's own threads only.
public typealias HostLookup = @Sendable (_ name: String) -> Result<[IPAddress], ResolutionFailure>

/// The system's resolver (`getaddrinfo`): hosts file, DNS, whatever the machine is set up for. It returns addresses in
/// the order in which they should be tried.
public let systemHostLookup: HostLookup = { name in
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard code == 0 else {
        switch code {
        case EAI_NONAME, nameHasNoAddress: return .failure(.notFound)
        case EAI_AGAIN: return .failure(.temporary)
        default: return .failure(.failed(String(cString: gai_strerror(code))))
        }
    }
    var addresses: [IPAddress] = []
    var entry = list
    while let found = entry?.pointee {
        if let socketAddress = found.ai_addr, let address = IPAddress(socketAddress), !addresses.contains(address) {
            addresses.append(address)
        }
        entry = found.ai_next
    }
    return addresses.isEmpty ? .failure(.notFound) : .success(addresses)
}

/// glibc's `EAI_NODATA`, which its headers show to GNU programs only.
private let nameHasNoAddress: Int32 = -5
