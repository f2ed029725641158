import NIOCore
import NIOSSL
import Synchronization

/// The TLS context of the peer links and the files that it comes from.
///
/// Files are read on a thread that may block, never on the transport's. A connection keeps the context that it began
/// with; the next one uses the newest that could be loaded.
final class TransportSecurity: Sendable {
    struct Loaded: Sendable {
        var context: NIOSSLContext
        var expiresAtUnixSeconds: Int
        fileprivate var stamps: [FileStamp]
    }

    let files: PeerTransport.TLSFiles
    private let loaded: Mutex<Loaded>

    /// Reads the files; blocks.
    init(files: PeerTransport.TLSFiles) throws(PeerTransportError) {
        self.files = files
        loaded = Mutex(try Self.load(files))
    }

    var current: Loaded { loaded.withLock { $0 } }

    /// Reads the files again if one of them changed, or in any case if `always`; blocks. After an error the old context
    /// stays.
    /// - Returns: whether new connections use another context now.
    func reload(always: Bool) throws(PeerTransportError) -> Bool {
        guard always || Self.stamps(of: files) != current.stamps else { return false }
        let fresh = try Self.load(files)
        loaded.withLock { $0 = fresh }
        return true
    }

    private static func load(_ files: PeerTransport.TLSFiles) throws(PeerTransportError) -> Loaded {
        // Taken first: a file that changes meanwhile is seen as changed at the next look.
        let stamps = stamps(of: files)
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
            guard let leaf = chain.first else {
                throw PeerTransportError.certificates(reason: "\(files.certificate) holds no certificate")
            }
            let key = try NIOSSLPrivateKey(file: files.privateKey, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv13
            configuration.trustRoots = .file(files.authorities)
            // The chain is verified on both sides and the peer's node id is compared with the certificate's URI name
            // (`HandshakePolicy`); host names are not: a node that moves to another address is still that node.
            configuration.certificateVerification = .noHostnameVerification
            return Loaded(
                context: try NIOSSLContext(configuration: configuration),
                expiresAtUnixSeconds: Int(leaf.notValidAfter), stamps: stamps)
        } catch let error as PeerTransportError {
            throw error
        } catch {
            let names = "\(files.certificate), \(files.privateKey), \(files.authorities)"
            throw .certificates(reason: "cannot use \(names): \(error)")
        }
    }

    private static func stamps(of files: PeerTransport.TLSFiles) -> [FileStamp] {
        [files.certificate, files.privateKey, files.authorities].map(FileStamp.init(path:))
    }
}
