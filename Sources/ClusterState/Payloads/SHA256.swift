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

    /// Hashes what comes in pieces.
    final class Stream {
        private let context: OpaquePointer

        init() {
            guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
            self.context = context
            let success = EVP_DigestInit_ex(context, algorithm.handle, nil)
            precondition(success == 1, "a fetched digest can be started")
        }

        deinit { EVP_MD_CTX_free(context) }

        func update(_ bytes: UnsafeRawBufferPointer) {
            let success = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
            precondition(success == 1, "a digest of bytes in memory cannot fail")
        }

        func update(_ bytes: [UInt8]) {
            bytes.withUnsafeBytes { update($0) }
        }

        /// Ends the stream; it must not be used again.
        func finish() -> StateHash {
            StateHash { output in
                let success = EVP_DigestFinal_ex(context, output.baseAddress, nil)
                precondition(success == 1, "a digest of bytes in memory cannot fail")
            }
        }
    }
}
