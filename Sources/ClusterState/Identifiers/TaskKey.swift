/// A task's identity: tenant and id. Ordered and compared as bytes, the tenant first.
public struct TaskKey: Comparable, Hashable, Sendable, CustomStringConvertible {
    public static let maximumTenantBytes = 128
    public static let maximumIDBytes = 64

    /// One byte with the tenant's length, the tenant, the id: one buffer, so that a comparison is one `memcmp`.
    let bytes: [UInt8]

    /// Nil unless the tenant has 1 to 128 bytes and the id 1 to 64 printable ASCII characters without spaces.
    public init?(tenant: String, id: String) {
        let tenantBytes = tenant.utf8
        let idBytes = id.utf8
        guard (1...Self.maximumTenantBytes).contains(tenantBytes.count),
            (1...Self.maximumIDBytes).contains(idBytes.count),
            idBytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1 + tenantBytes.count + idBytes.count)
        bytes.append(UInt8(tenantBytes.count))
        bytes.append(contentsOf: tenantBytes)
        bytes.append(contentsOf: idBytes)
        self.bytes = bytes
    }

    /// The key in the form that `bytes` has; nil if these are not the bytes of a key.
    init?(bytes: ArraySlice<UInt8>) {
        guard let length = bytes.first, bytes.count > 1 + Int(length) else { return nil }
        let start = bytes.startIndex + 1
        guard let tenant = String(validating: bytes[start..<(start + Int(length))], as: UTF8.self),
            let id = String(validating: bytes[(start + Int(length))...], as: UTF8.self)
        else { return nil }
        self.init(tenant: tenant, id: id)
    }

    /// Sorts before every task of the tenant; not the key of a task.
    init(beforeTasksOf tenant: String) {
        precondition(tenant.utf8.count <= Self.maximumTenantBytes, "a tenant is checked where it enters")
        bytes = [UInt8(tenant.utf8.count)] + tenant.utf8
    }

    public var tenant: String { String(decoding: tenantBytes, as: UTF8.self) }
    public var id: String { String(decoding: bytes[(1 + tenantLength)...], as: UTF8.self) }
    public var description: String { "\(tenant)/\(id)" }

    var tenantLength: Int { Int(bytes[0]) }
    var tenantBytes: ArraySlice<UInt8> { bytes[1..<(1 + tenantLength)] }

    func hasSameTenant(as other: TaskKey) -> Bool {
        bytes[0] == other.bytes[0] && Bytes.equal(tenantBytes, other.tenantBytes)
    }

    /// Orders by tenant alone.
    func tenantPrecedes(_ other: TaskKey) -> Bool {
        bytes.withUnsafeBytes { own in
            other.bytes.withUnsafeBytes { others in
                Bytes.precedes(
                    UnsafeRawBufferPointer(rebasing: own[..<(1 + tenantLength)]),
                    UnsafeRawBufferPointer(rebasing: others[..<(1 + other.tenantLength)]))
            }
        }
    }

    public static func < (left: TaskKey, right: TaskKey) -> Bool { Bytes.precedes(left.bytes, right.bytes) }
}
