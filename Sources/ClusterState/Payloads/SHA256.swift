import COpenSSL

/// SHA-256 by OpenSSL, which uses the processor's instructions where it has them.
enum SHA256 {
    /// Fetched once: looking the algorithm up costs more than hashing a small record.
    private struct Algorithm: @unchecked Sendable {
        // Unchecked because OpenSSL documents a fetched EVP_MD as immutable and free to use from any thread.
        let handle: OpaquePointer

        init() {
            guard let handle = EVP_MD_fetch(nil, "SHA256", nil) else {
                preconditionFailure("OpenSSL's default provider has SHA-256")
            }
            self.handle = handle
        }
    }

    private static let algorithm = Algorithm()

    static func hash(_ bytes: [UInt8]) -> StateHash {
        bytes.withUnsafeBytes { hash($0) }
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> StateHash {
        StateHash { output in
            let success = EVP_Digest(
                bytes.baseAddress, bytes.count, output.baseAddress, nil, algorithm.handle, nil)
            precondition(success == 1, "a digest of bytes in memory cannot fail")
        }
    }

    /// Hashes what comes in pieces. A value: a copy goes its own way.
    struct Hasher: Sendable {
        private var context = Context()

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            if !isKnownUniquelyReferenced(&context) { context = Context(copying: context) }
            let success = EVP_DigestUpdate(context.handle, bytes.baseAddress, bytes.count)
            precondition(success == 1, "a digest of bytes in memory cannot fail")
        }

        mutating func update(_ bytes: some Sequence<UInt8>) {
            if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
                Array(bytes).withUnsafeBytes { update($0) }
            }
        }

        /// The digest of what has come so far; more may follow.
        func finish() -> StateHash {
            let last = Context(copying: context)
            return StateHash { output in
                let success = EVP_DigestFinal_ex(last.handle, output.baseAddress, nil)
                precondition(success == 1, "a digest of bytes in memory cannot fail")
            }
        }
    }

    /// Unchecked because it is only written while one hasher holds it; shared, it is copied first.
    private final class Context: @unchecked Sendable {
        let handle: OpaquePointer

        init() {
            guard let handle = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
            self.handle = handle
            let success = EVP_DigestInit_ex(handle, algorithm.handle, nil)
            precondition(success == 1, "a fetched digest can be started")
        }

        init(copying other: Context) {
            guard let handle = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
            self.handle = handle
            let success = EVP_MD_CTX_copy_ex(handle, other.handle)
            precondition(success == 1, "a started digest can be copied")
        }

        deinit { EVP_MD_CTX_free(handle) }
    }
}
