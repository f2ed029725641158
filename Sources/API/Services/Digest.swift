import COpenSSL

/// Digests by OpenSSL, of bytes in memory: these calls cannot fail.
enum Digest {
    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { output, count in
            SHA256(bytes, bytes.count, output.baseAddress)
            count = Int(SHA256_DIGEST_LENGTH)
        }
    }

    /// For the WebSocket handshake, which knows no other.
    static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA_DIGEST_LENGTH)) { output, count in
            SHA1(bytes, bytes.count, output.baseAddress)
            count = Int(SHA_DIGEST_LENGTH)
        }
    }
}
