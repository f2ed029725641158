import Foundation
import RaftServer
import Synchronization

/// Certificates made by the `openssl` command, so that the transport is tested against an authority that is not ours.
final class TestAuthority: Sendable {
    let folder: String
    private let nodes = Mutex<[UInt64: PeerTransport.TLSFiles]>([:])
    private var authority: String { "\(folder)/ca.crt" }

    /// Each test binary makes its authorities once: a key takes a few milliseconds, a process more.
    static let cluster = Result { try TestAuthority() }
    static let stranger = Result { try TestAuthority() }

    private static let processFolder = NSTemporaryDirectory() + "amas-transport-\(getpid())"
    private static let removalAtExit: Void = {
        atexit { try? FileManager.default.removeItem(atPath: TestAuthority.processFolder) }
    }()

    init() throws {
        folder = Self.processFolder + "/" + UUID().uuidString
        _ = Self.removalAtExit
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=test authority", "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.crt")
    }

    /// The files of a node, made once, for who only reads them.
    func node(_ id: UInt64) throws -> PeerTransport.TLSFiles {
        try nodes.withLock { nodes in
            if let files = nodes[id] { return files }
            let files = try newNode(id)
            nodes[id] = files
            return files
        }
    }

    /// New files for a node. `uri` replaces the URI name that the node should have.
    func newNode(_ id: UInt64, uri: String? = nil, days: Int = 2) throws -> PeerTransport.TLSFiles {
        let name = "\(folder)/\(UUID().uuidString)"
        let uri = uri ?? "amas://\(TestNode.clusterID)/node/\(id)"
        let extensions =
            "subjectAltName=URI:\(uri),DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n"
        try Data(extensions.utf8).write(to: URL(fileURLWithPath: "\(name).ext"))
        try Self.openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=node-\(id)",
            "-keyout", "\(name).key", "-out", "\(name).csr")
        try Self.openssl(
            "x509", "-req", "-in", "\(name).csr", "-CA", authority, "-CAkey", "\(folder)/ca.key",
            "-set_serial", "\(UInt32.random(in: 1...UInt32.max))", "-days", "\(days)", "-extfile", "\(name).ext",
            "-out", "\(name).crt")
        return PeerTransport.TLSFiles(
            certificate: "\(name).crt", privateKey: "\(name).key", authorities: authority)
    }

    private static func openssl(_ arguments: String...) throws {
        let log = NSTemporaryDirectory() + "amas-openssl-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: log) }
        let status = try ChildProcess(["openssl"] + arguments, output: log).wait()
        guard status == 0 else {
            let output = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
            throw ChildProcess.Failed(command: arguments, code: status, output: output)
        }
    }
}
