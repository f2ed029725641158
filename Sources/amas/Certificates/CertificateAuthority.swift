import COpenSSL
import Raft

/// The authority of one cluster: it makes the certificates by which the nodes know each other.
///
/// A folder holds what belongs together: `ca.crt` and `ca.key` for the authority, `node-<id>.crt` and `node-<id>.key`
/// for each node. A node needs its own two files and `ca.crt`; `ca.key` is needed only to issue and belongs on no node.
/// `ca.crt` may hold several authorities, which is how one is replaced by the next without a stop.
///
/// Keys are EC P-256. A node's certificate serves both ends of a connection and names the node as `amas://<cluster
/// id>/node/<id>`, which the peer links compare with the hello (`PeerTransport`); its DNS names and addresses are for
/// clients that check host names. Every function here reads and writes files and may block.
struct CertificateAuthority {
    struct Settings {
        var authorityLifetimeDays = 3650
        var nodeLifetimeDays = 365
        /// How far the beginning of the validity lies in the past, for nodes whose clocks are behind.
        var backdateSeconds = 300

        /// Days of validity that are accepted, so that no date leaves the range of the format.
        static let lifetimeDays = 1...36_500
        static let maximumClusterIDBytes = 64
        static let maximumNames = 32
        static let maximumNameBytes = 253
    }

    struct IssuedCertificate: Equatable {
        var certificatePath: String
        var privateKeyPath: String
        var authorityPath: String
    }

    static let certificateFile = "ca.crt"
    static let privateKeyFile = "ca.key"

    let clusterID: String
    private let directory: String
    private let certificate: Certificate
    private let key: PrivateKey

    /// Makes a new authority in `directory`, which is created if it is not there. Both files are on disk on return.
    /// - Parameters:
    ///   - clusterID: letters, digits, `.`, `_` and `-`.
    ///   - force: replaces an authority that is there. All certificates issued by it are worth nothing then.
    ///   - now: seconds since 1970.
    static func create(
        clusterID: String, directory: String, force: Bool = false, settings: Settings = Settings(), now: Int
    ) throws(CertificateError) -> CertificateAuthority {
        try CertificateNames.check(clusterID: clusterID)
        let validity = try Certificate.Validity(from: now, days: settings.authorityLifetimeDays, settings)
        try CertificateFiles.makeDirectory(directory)
        let key = try PrivateKey()
        let certificate = try Certificate.authority(clusterID: clusterID, key: key, validity)
        try CertificateFiles.writePair(
            key: try key.pem(), to: "\(directory)/\(privateKeyFile)", certificate: try certificate.pem(),
            to: "\(directory)/\(certificateFile)", force: force)
        return CertificateAuthority(clusterID: clusterID, directory: directory, certificate: certificate, key: key)
    }

    /// Reads the authority in `directory`. With several certificates in `ca.crt` the first is the one that issues.
    static func open(directory: String) throws(CertificateError) -> CertificateAuthority {
        let path = "\(directory)/\(certificateFile)"
        guard let certificate = try Certificate.read(path).first else {
            throw .unreadable(path, "no certificate in it")
        }
        let key = try PrivateKey.read("\(directory)/\(privateKeyFile)")
        guard certificate.matches(key) else { throw .keyMismatch(certificate: path) }
        guard certificate.isAuthority, let clusterID = certificate.clusterID else { throw .notAnAuthority(path) }
        return CertificateAuthority(clusterID: clusterID, directory: directory, certificate: certificate, key: key)
    }

    /// Makes key and certificate of a node in `directory`, and a copy of `ca.crt` if that is another folder than the
    /// authority's. All files are on disk on return.
    /// - Parameters:
    ///   - names: DNS names and IP addresses by which the node is reached.
    ///   - force: replaces files of the same node. A running node notices and uses them for new connections.
    func issue(
        nodeID: NodeID, names: [String], directory: String, force: Bool = false, settings: Settings = Settings(),
        now: Int
    ) throws(CertificateError) -> IssuedCertificate {
        guard nodeID != NodeID(0) else { throw .invalidName("0", "node ids begin at 1") }
        let names = try CertificateNames.parse(names)
        let validity = try Certificate.Validity(from: now, days: settings.nodeLifetimeDays, settings)
        guard validity.end <= certificate.validUntil else {
            throw .outlivesAuthority(authorityEnds: certificate.validUntil)
        }
        try CertificateFiles.makeDirectory(directory)
        let nodeKey = try PrivateKey()
        let issued = try Certificate.node(
            nodeID, clusterID: clusterID, names: names, key: nodeKey, validity, issuer: certificate, issuerKey: key)
        let files = IssuedCertificate(
            certificatePath: "\(directory)/node-\(nodeID).crt", privateKeyPath: "\(directory)/node-\(nodeID).key",
            authorityPath: "\(directory)/\(Self.certificateFile)")
        try copyAuthority(to: files.authorityPath, force: force)
        try CertificateFiles.writePair(
            key: try nodeKey.pem(), to: files.privateKeyPath, certificate: try issued.pem(), to: files.certificatePath,
            force: force)
        return files
    }

    /// The whole file, with all authorities in it.
    private func copyAuthority(to path: String, force: Bool) throws(CertificateError) {
        let source = try CertificateFiles.read("\(directory)/\(Self.certificateFile)")
        if let present = try? CertificateFiles.read(path) {
            if present == source { return }
            guard force else { throw .exists(path) }
        }
        try CertificateFiles.write(source, to: path, mode: 0o644, force: force)
    }
}
