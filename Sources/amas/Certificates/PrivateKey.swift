import COpenSSL

/// An EC P-256 key pair.
final class PrivateKey {
    let pointer: OpaquePointer

    private init(taking pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// A new key from the system's randomness.
    convenience init() throws(CertificateError) {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw .lastOpenSSLError() }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw .lastOpenSSLError() }
        self.init(taking: key)
    }

    static func read(_ path: String) throws(CertificateError) -> PrivateKey {
        let bytes = try CertificateFiles.read(path)
        guard let bio = BIO_new_mem_buf(bytes, CInt(bytes.count)) else { throw .lastOpenSSLError() }
        defer { BIO_free(bio) }
        // A key with a pass phrase is refused instead of asked for on the terminal.
        guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw .unreadable(path, CertificateError.openSSLMessage())
        }
        return PrivateKey(taking: key)
    }

    /// PKCS #8, unencrypted: the file's mode protects it.
    func pem() throws(CertificateError) -> [UInt8] {
        try memoryBytes { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }
}

/// The bytes that `write` puts into a memory BIO.
func memoryBytes(_ write: (OpaquePointer) -> CInt) throws(CertificateError) -> [UInt8] {
    guard let bio = BIO_new(BIO_s_mem()) else { throw .lastOpenSSLError() }
    defer { BIO_free(bio) }
    guard write(bio) == 1 else { throw .lastOpenSSLError() }
    var data: UnsafeMutablePointer<CChar>?
    let count = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data)
    return Array(UnsafeRawBufferPointer(start: data, count: count))
}

extension CertificateError {
    static func lastOpenSSLError() -> CertificateError { .library(openSSLMessage()) }

    /// The oldest error of this thread's queue, which is the cause of the others; the queue is emptied.
    static func openSSLMessage() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return "failed without a reason" }
        var bytes = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &bytes, bytes.count)
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
