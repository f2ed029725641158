/// A block of addresses: `10.0.0.0/8`, `fc00::/7`, or a single address.
public struct IPRange: Sendable, Hashable {
    public let base: IPAddress
    public let prefixLength: Int

    /// Nil unless it is an address, or an address with a prefix length whose host bits are all zero: `10.0.0.1/8` is
    /// more likely a mistake than a wish.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        var length = IPRange.bits(of: address)
        if parts.count == 2 {
            guard let written = Int(parts[1]), (0...length).contains(written), parts[1].allSatisfy(\.isNumber) else {
                return nil
            }
            length = written
        }
        guard IPRange.masked(address, length) == address else { return nil }
        base = address
        prefixLength = length
    }

    /// Whether the address lies in the block. An IPv4 address is in no IPv6 block and the reverse; see
    /// ``IPAddress/embeddedIPv4`` for the addresses that are both.
    public func contains(_ address: IPAddress) -> Bool {
        IPRange.bits(of: address) == IPRange.bits(of: base) && IPRange.masked(address, prefixLength) == base
    }

    private static func bits(of address: IPAddress) -> Int {
        switch address {
        case .v4: 32
        case .v6: 128
        }
    }

    /// Shifting by the full width gives zero in Swift, which is what a prefix of no bits means.
    private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        switch address {
        case .v4(let value): .v4(value & ~(UInt32.max >> length))
        case .v6(let value): .v6(value & ~(UInt128.max >> length))
        }
    }
}

extension IPRange: CustomStringConvertible {
    public var description: String { "\(base)/\(prefixLength)" }
}
