import Foundation
import LoopbackServer

/// A TLS server in front of a ``LoopbackServer``: HAProxy with a certificate of a private authority, both made for the
/// test. It offers HTTP/2, and tells the server behind it in `x-protocol` what was spoken.
final class TLSFront {
    let port: UInt16
    /// The authority, in PEM.
    let authority: String
    private let folder: URL
    private let process: Process

    static let isInstalled = program("haproxy") != nil && program("openssl") != nil

    struct Failed: Error {
        let what: String
    }

    /// `names` are the certificate's, such as `DNS:a.test` or `IP:127.0.0.1`.
    init(to server: LoopbackServer, names: String, protocols: String = "h2,http/1.1") async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-front-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        authority = folder.appendingPathComponent("ca.pem").path
        try TLSFront.makeCertificates(in: folder, names: names)
        let free = try LoopbackServer { _, _ in .close }
        port = free.port
        free.stop()
        let configuration = """
            defaults
              mode http
              option abortonclose
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            listen front
              bind 127.0.0.1:\(port) ssl crt \(folder.path)/server.pem alpn \(protocols)
              http-request set-header x-protocol %[req.ver]
              server behind 127.0.0.1:\(server.port)

            """
        try configuration.write(to: folder.appendingPathComponent("haproxy.cfg"), atomically: true, encoding: .utf8)
        process = Process()
        process.executableURL = TLSFront.program("haproxy")
        process.arguments = ["-db", "-q", "-f", folder.appendingPathComponent("haproxy.cfg").path]
        process.standardError = FileHandle.nullDevice
        try process.run()
        let port = self.port
        guard await eventually(within: .seconds(20), { TLSFront.isListening(port) }) else {
            stop()
            throw Failed(what: "haproxy does not listen")
        }
    }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func makeCertificates(in folder: URL, names: String) throws {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try "subjectAltName=\(names)\n".write(
            to: folder.appendingPathComponent("names"), atomically: true, encoding: .utf8)
        try openssl(
            ["req", "-x509"] + key + ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2"],
            in: folder)
        try openssl(["req"] + key + ["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server"], in: folder)
        try openssl(
            [
                "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", "names",
            ]
                + ["-out", "server.crt"], in: folder)
        let parts = try ["server.crt", "server.key"].map {
            try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
        }
        try parts.joined().write(to: folder.appendingPathComponent("server.pem"), atomically: true, encoding: .utf8)
    }

    private static func openssl(_ arguments: [String], in folder: URL) throws {
        let process = Process()
        process.executableURL = program("openssl")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(what: "openssl \(arguments)") }
    }

    private static func program(_ name: String) -> URL? {
        ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map {
            URL(fileURLWithPath: $0).appendingPathComponent(name)
        }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    private static func isListening(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
