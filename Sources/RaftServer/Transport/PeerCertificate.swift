import NIOSSL

extension NIOSSLCertificate {
    /// The URI names of the certificate, which the handshake compares with the hello. A name that is not UTF-8 is left
    /// out.
    var uriNames: [String] {
        guard let names = _subjectAlternativeNames() as _SubjectAlternativeNames? else { return [] }
        return names.compactMap { name in
            guard name.nameType == .uri else { return nil }
            return name.contents.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        }
    }
}
