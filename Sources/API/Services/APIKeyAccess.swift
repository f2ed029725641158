import COpenSSL

/// One key that opens everything, sent as `Authorization: Bearer <key>`.
public struct APIKeyAccess: AccessPolicy {
    private let digest: [UInt8]
    private let owner: Principal

    /// - Precondition: the key is not empty.
    public init(key: String, owner: Principal = Principal(name: "operator")) {
        precondition(!key.isEmpty, "an empty key would let everybody in")
        digest = Digest.sha256(Array(key.utf8))
        self.owner = owner
    }

    public func principal(authorization: String?) -> Principal? {
        guard let authorization, let token = Self.bearerToken(authorization) else { return nil }
        // Digests have one length, so the comparison tells nothing about that of the key.
        let given = Digest.sha256(Array(token.utf8))
        return CRYPTO_memcmp(given, digest, digest.count) == 0 ? owner : nil
    }

    public func allows(_ principal: Principal, _ permission: Permission) -> Bool { principal == owner }

    private static func bearerToken(_ authorization: String) -> Substring? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = parts[1].drop { $0 == " " }
        return token.isEmpty ? nil : token
    }
}
