import COpenSSL
import Raft

/// An X.509 certificate, and how ours are made.
final class Certificate {
    /// Seconds since 1970.
    struct Validity: Equatable {
        var start: Int
        var end: Int

        init(from now: Int, days: Int, _ settings: CertificateAuthority.Settings) throws(CertificateError) {
            guard CertificateAuthority.Settings.lifetimeDays.contains(days) else { throw .invalidLifetime(days: days) }
            start = now - settings.backdateSeconds
            end = now + days * 86_400
        }
    }

    /// Which certificate signs; nil for an authority, which signs itself.
    private typealias Issuer = (certificate: Certificate, key: PrivateKey)

    private static let version3: Int = 2
    private static let serialBytes: CInt = 16

    let pointer: OpaquePointer

    private init(taking pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    // MARK: Making

    /// May sign certificates of nodes and nothing below them.
    static func authority(
        clusterID: String, key: PrivateKey, _ validity: Validity
    ) throws(CertificateError) -> Certificate {
        let certificate = try make(
            commonName: "AMAS authority", clusterID: clusterID, key: key, validity, issuer: nil)
        try certificate.add(
            [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
                (NID_subject_alt_name, "URI:\(CertificateNames.uri(clusterID: clusterID))"),
            ], issuer: certificate)
        try certificate.sign(with: key)
        return certificate
    }

    static func node(
        _ node: NodeID, clusterID: String, names: [CertificateNames.Name], key: PrivateKey, _ validity: Validity,
        issuer: Certificate, issuerKey: PrivateKey
    ) throws(CertificateError) -> Certificate {
        let certificate = try make(
            commonName: "node-\(node)", clusterID: clusterID, key: key, validity, issuer: issuer)
        let uri = "URI:\(CertificateNames.uri(clusterID: clusterID, node: node))"
        try certificate.add(
            [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth,clientAuth"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
                (NID_subject_alt_name, ([uri] + names.map(\.extensionText)).joined(separator: ",")),
            ], issuer: issuer)
        try certificate.sign(with: issuerKey)
        return certificate
    }

    private static func make(
        commonName: String, clusterID: String, key: PrivateKey, _ validity: Validity, issuer: Certificate?
    ) throws(CertificateError) -> Certificate {
        guard let pointer = X509_new() else { throw .lastOpenSSLError() }
        let certificate = Certificate(taking: pointer)
        try certificate.setRandomSerial()
        let name = X509_get_subject_name(pointer)
        try certificate.addToSubject(NID_organizationName, clusterID)
        try certificate.addToSubject(NID_commonName, commonName)
        guard X509_set_version(pointer, version3) == 1,
            ASN1_TIME_set(X509_getm_notBefore(pointer), validity.start) != nil,
            ASN1_TIME_set(X509_getm_notAfter(pointer), validity.end) != nil,
            X509_set_pubkey(pointer, key.pointer) == 1,
            X509_set_issuer_name(pointer, issuer.map { X509_get_subject_name($0.pointer) } ?? name) == 1
        else { throw .lastOpenSSLError() }
        return certificate
    }

    private func addToSubject(_ nid: CInt, _ text: String) throws(CertificateError) {
        let bytes = Array(text.utf8)
        let name = X509_get_subject_name(pointer)
        guard X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, bytes, CInt(bytes.count), -1, 0) == 1 else {
            throw .lastOpenSSLError()
        }
    }

    /// 128 random bits, so that serials need no ledger.
    private func setRandomSerial() throws(CertificateError) {
        var bytes = [UInt8](repeating: 0, count: Int(Self.serialBytes))
        guard RAND_bytes(&bytes, Self.serialBytes) == 1, let number = BN_bin2bn(bytes, Self.serialBytes, nil) else {
            throw .lastOpenSSLError()
        }
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil else { throw .lastOpenSSLError() }
    }

    private func add(_ extensions: [(nid: CInt, value: String)], issuer: Certificate) throws(CertificateError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer.pointer, pointer, nil, nil, 0)
        for (nid, value) in extensions {
            guard let made = X509V3_EXT_conf_nid(nil, &context, nid, value) else { throw .lastOpenSSLError() }
            defer { X509_EXTENSION_free(made) }
            guard X509_add_ext(pointer, made, -1) == 1 else { throw .lastOpenSSLError() }
        }
    }

    private func sign(with key: PrivateKey) throws(CertificateError) {
        guard X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else { throw .lastOpenSSLError() }
    }

    // MARK: Files

    /// All certificates of a PEM file, in their order.
    static func read(_ path: String) throws(CertificateError) -> [Certificate] {
        let bytes = try CertificateFiles.read(path)
        guard let bio = BIO_new_mem_buf(bytes, CInt(bytes.count)) else { throw .lastOpenSSLError() }
        defer { BIO_free(bio) }
        var certificates: [Certificate] = []
        while let pointer = PEM_read_bio_X509(bio, nil, nil, nil) { certificates.append(Certificate(taking: pointer)) }
        // The end of the file is reported as an error, too.
        let message = CertificateError.openSSLMessage()
        guard !certificates.isEmpty else { throw .unreadable(path, message) }
        return certificates
    }

    func pem() throws(CertificateError) -> [UInt8] {
        try memoryBytes { PEM_write_bio_X509($0, pointer) }
    }
}
