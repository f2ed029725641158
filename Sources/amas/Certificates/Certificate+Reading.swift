import COpenSSL
import Raft

/// What a certificate says.
extension Certificate {
    /// Seconds since 1970.
    var validFrom: Int { Self.seconds(X509_get0_notBefore(pointer)) }
    /// Seconds since 1970.
    var validUntil: Int { Self.seconds(X509_get0_notAfter(pointer)) }

    var isAuthority: Bool { X509_check_ca(pointer) == 1 }

    var commonName: String {
        let name = X509_get_subject_name(pointer)
        let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
        guard index >= 0 else { return "" }
        return Self.text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)))
    }

    /// Hexadecimal, as `openssl x509 -serial` writes it.
    var serial: String {
        guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else { return "" }
        defer { BN_free(number) }
        guard let text = BN_bn2hex(number) else { return "" }
        defer { CRYPTO_free(text, #fileID, #line) }
        return String(cString: text)
    }

    /// The names as `URI:…`, `DNS:…` and `IP Address:…`.
    var names: [String] {
        let index = X509_get_ext_by_NID(pointer, NID_subject_alt_name, -1)
        guard index >= 0, let found = X509_get_ext(pointer, index) else { return [] }
        let text = (try? memoryBytes { X509V3_EXT_print($0, found, 0, 0) }) ?? []
        // Our own names contain no comma (`CertificateNames`); those of a foreign certificate are shown and not relied
        // on.
        return String(decoding: text, as: UTF8.self).split(separator: ", ").map(String.init)
    }

    /// The cluster that the certificate is of; nil for one that is not ours.
    var clusterID: String? { identity?.clusterID }

    /// The node that the certificate names; nil for an authority or one that is not ours.
    var nodeID: NodeID? { identity?.node }

    private var identity: (clusterID: String, node: NodeID?)? {
        let prefix = "URI:amas://"
        guard let uri = names.first(where: { $0.hasPrefix(prefix) }) else { return nil }
        let parts = uri.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return (String(parts[0]), nil)
        case 3 where parts[1] == "node": return UInt64(parts[2]).map { (String(parts[0]), NodeID($0)) }
        default: return nil
        }
    }

    func matches(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(pointer, key.pointer) == 1
    }

    /// Whether `authority` has signed this certificate. Dates are not looked at.
    func isSigned(by authority: Certificate) -> Bool {
        defer { ERR_clear_error() }
        guard X509_check_issued(authority.pointer, pointer) == X509_V_OK else { return false }
        return X509_verify(pointer, X509_get0_pubkey(authority.pointer)) == 1
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_TIME_free(epoch) }
        var days: CInt = 0
        var seconds: CInt = 0
        ASN1_TIME_diff(&days, &seconds, epoch, time)
        return Int(days) * 86_400 + Int(seconds)
    }

    private static func text(_ string: UnsafeMutablePointer<ASN1_STRING>?) -> String {
        guard let string, let bytes = ASN1_STRING_get0_data(string) else { return "" }
        return String(
            decoding: UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(string))), as: UTF8.self)
    }
}
