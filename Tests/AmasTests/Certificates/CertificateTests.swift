import Foundation
import Raft
import Testing

@testable import amas

@Suite("Certificates of a cluster")
struct CertificateTests {
    private let now = Int(Date().timeIntervalSince1970)

    private func authority(in folder: String, cluster: String = "cluster-1") throws -> CertificateAuthority {
        try CertificateAuthority.create(clusterID: cluster, directory: folder, now: now)
    }

    @Test("openssl verifies a node for both ends of a connection, strictly")
    func verifies() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let issued = try authority(in: path).issue(
            nodeID: NodeID(1), names: ["node-1.example", "*.amas.svc", "10.0.0.1", "::1"], directory: path, now: now)
        for purpose in ["sslserver", "sslclient"] {
            let result = try openssl(
                "verify", "-x509_strict", "-purpose", purpose, "-CAfile", issued.authorityPath, issued.certificatePath)
            #expect(result.status == 0, "\(result.output)")
        }
        let host = try openssl(
            "verify", "-CAfile", issued.authorityPath, "-verify_hostname", "node-1.example", issued.certificatePath)
        #expect(host.status == 0, "\(host.output)")
        let address = try openssl(
            "verify", "-CAfile", issued.authorityPath, "-verify_ip", "10.0.0.1", issued.certificatePath)
        #expect(address.status == 0, "\(address.output)")
    }

    @Test("the extensions are those that the documentation names")
    func extensions() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        _ = try authority(in: path).issue(
            nodeID: NodeID(7), names: ["localhost", "127.0.0.1"], directory: path, now: now)
        let node = try openssl("x509", "-in", "\(path)/node-7.crt", "-noout", "-text").output
        for part in [
            "Version: 3", "ASN1 OID: prime256v1", "Signature Algorithm: ecdsa-with-SHA256",
            "Subject: O = cluster-1, CN = node-7", "Issuer: O = cluster-1, CN = AMAS authority", "Digital Signature",
            "CA:FALSE", "TLS Web Server Authentication, TLS Web Client Authentication", "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
            "URI:amas://cluster-1/node/7, DNS:localhost, IP Address:127.0.0.1",
        ] {
            #expect(node.contains(part), "\(part)")
        }
        let root = try openssl("x509", "-in", "\(path)/ca.crt", "-noout", "-text").output
        for part in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "X509v3 Subject Key Identifier"] {
            #expect(root.contains(part), "\(part)")
        }
    }

    @Test("validity is ten years and one year from now, a little backdated, and can be set")
    func validity() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        _ = try authority.issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        var settings = CertificateAuthority.Settings()
        settings.nodeLifetimeDays = 2
        _ = try authority.issue(nodeID: NodeID(2), names: [], directory: path, settings: settings, now: now)
        let reports = try CertificateAuthority.inspect(directory: path, now: now)
        #expect(reports.map { $0.validUntil - now } == [3650, 365, 2].map { $0 * 86_400 })
        #expect(reports.allSatisfy { $0.validFrom == now - 300 })
        for days in [0, -1, 36_501] {
            settings.nodeLifetimeDays = days
            #expect(throws: CertificateError.invalidLifetime(days: days)) {
                _ = try authority.issue(nodeID: NodeID(3), names: [], directory: path, settings: settings, now: now)
            }
        }
        settings.nodeLifetimeDays = 3651
        #expect(throws: CertificateError.outlivesAuthority(authorityEnds: now + 3650 * 86_400)) {
            _ = try authority.issue(nodeID: NodeID(3), names: [], directory: path, settings: settings, now: now)
        }
    }

    @Test("serials are 128 random bits")
    func serials() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        for node in 1...20 as ClosedRange<UInt64> {
            _ = try authority.issue(nodeID: NodeID(node), names: [], directory: path, now: now)
        }
        let serials = try CertificateAuthority.inspect(directory: path, now: now).map(\.serial)
        #expect(Set(serials).count == 21)
        #expect(serials.allSatisfy { $0.count <= 32 })
        // Fewer than 100 bits has a chance of one in 2^28 for each of them.
        #expect(serials.allSatisfy { $0.count > 25 })
        let line = try openssl("x509", "-in", "\(path)/node-1.crt", "-noout", "-serial").output
        #expect(serials.contains { line.hasSuffix("\($0)\n") })
    }

    @Test("keys are for the owner alone, and nothing half-written is left")
    func files() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/new"
        _ = try authority(in: path).issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        let files = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(files == ["ca.crt", "ca.key", "node-1.crt", "node-1.key"])
        #expect(mode("\(path)/ca.key") == 0o600)
        #expect(mode("\(path)/node-1.key") == 0o600)
        #expect(mode("\(path)/node-1.crt") == 0o644)
        #expect(mode(path) == 0o700)
    }

    @Test("nothing is replaced without force, and a refusal changes nothing")
    func force() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        _ = try authority.issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        let before = try folder.files.map { try CertificateFiles.read("\(path)/\($0)") }
        #expect(throws: CertificateError.exists("\(path)/ca.key")) { _ = try self.authority(in: path) }
        #expect(throws: CertificateError.exists("\(path)/node-1.key")) {
            _ = try authority.issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        }
        #expect(try folder.files.map { try CertificateFiles.read("\(path)/\($0)") } == before)
        _ = try authority.issue(nodeID: NodeID(1), names: [], directory: path, force: true, now: now)
        #expect(try CertificateFiles.read("\(path)/node-1.key") != before[3])
        #expect(try CertificateAuthority.inspect(directory: path, now: now).allSatisfy { $0.problems.isEmpty })
        // Half of a pair counts, too.
        try FileManager.default.removeItem(atPath: "\(path)/node-1.key")
        #expect(throws: CertificateError.exists("\(path)/node-1.crt")) {
            _ = try authority.issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        }
        #expect(!folder.files.contains("node-1.key"))
    }

    @Test("a node's folder of its own gets the authority's certificate and not its key")
    func ownFolder() throws {
        let home = try TemporaryFolder()
        let node = try TemporaryFolder()
        let nodePath = node.path
        _ = try authority(in: home.path)
        let authority = try CertificateAuthority.open(directory: home.path)
        let issued = try authority.issue(nodeID: NodeID(1), names: [], directory: nodePath, now: now)
        #expect(node.files == ["ca.crt", "node-1.crt", "node-1.key"])
        #expect(issued.authorityPath == "\(nodePath)/ca.crt")
        #expect(try CertificateAuthority.inspect(directory: nodePath, now: now).allSatisfy { $0.problems.isEmpty })
        // Another cluster's authority is not overwritten by accident.
        let other = try TemporaryFolder()
        let stranger = try self.authority(in: other.path, cluster: "cluster-2")
        #expect(throws: CertificateError.exists("\(nodePath)/ca.crt")) {
            _ = try stranger.issue(nodeID: NodeID(2), names: [], directory: nodePath, now: now)
        }
    }

    @Test(
        "names that OpenSSL's syntax could misread are refused",
        arguments: [
            "a,DNS:b", "a:b", "", ".", "a..b", "-a", "a-", "a b", "é.example", "a.*.b", "email:x", "10.0.0.1/24",
            String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "aa",
        ])
    func badNames(name: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        let error = #expect(throws: CertificateError.self) {
            _ = try authority.issue(nodeID: NodeID(1), names: [name], directory: path, now: now)
        }
        guard case .invalidName(name, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(folder.files == ["ca.crt", "ca.key"])
    }

    @Test(
        "cluster ids are letters, digits and a little more, within the limit",
        arguments: ["", "a/b", "a b", "a,b", "ü"])
    func badClusterID(id: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        for id in [id, id + String(repeating: "x", count: 65)] {
            #expect(throws: CertificateError.self) { _ = try authority(in: path, cluster: id) }
        }
        _ = try authority(in: path, cluster: String(repeating: "x", count: 64))
    }

    @Test("at most as many names as the limit, and no node 0")
    func limits() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        let names = (1...33).map { "node-\($0)" }
        _ = try authority.issue(nodeID: NodeID(1), names: Array(names.prefix(32)), directory: path, now: now)
        #expect(throws: CertificateError.self) {
            _ = try authority.issue(nodeID: NodeID(2), names: names, directory: path, now: now)
        }
        #expect(throws: CertificateError.self) {
            _ = try authority.issue(nodeID: NodeID(0), names: [], directory: path, now: now)
        }
    }

    @Test("an authority that cannot be used says why")
    func brokenAuthority() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        #expect(throws: CertificateError.unreadable("\(path)/ca.crt", "No such file or directory")) {
            _ = try CertificateAuthority.open(directory: path)
        }
        let authority = try authority(in: path)
        let issued = try authority.issue(nodeID: NodeID(1), names: [], directory: path, now: now)
        let nodeKey = try CertificateFiles.read(issued.privateKeyPath)
        let nodeCertificate = try CertificateFiles.read(issued.certificatePath)
        try CertificateFiles.write(nodeKey, to: "\(path)/ca.key", mode: 0o600, force: true)
        #expect(throws: CertificateError.keyMismatch(certificate: "\(path)/ca.crt")) {
            _ = try CertificateAuthority.open(directory: path)
        }
        try CertificateFiles.write(nodeCertificate, to: "\(path)/ca.crt", mode: 0o644, force: true)
        #expect(throws: CertificateError.notAnAuthority("\(path)/ca.crt")) {
            _ = try CertificateAuthority.open(directory: path)
        }
        try CertificateFiles.write(Array("garbage".utf8), to: "\(path)/ca.crt", mode: 0o644, force: true)
        #expect(throws: CertificateError.self) { _ = try CertificateAuthority.open(directory: path) }
    }

    @Test("inspect finds what is wrong with a folder")
    func inspect() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let authority = try authority(in: path)
        for node in [1, 2, 3, 4] as [UInt64] {
            _ = try authority.issue(nodeID: NodeID(node), names: ["localhost"], directory: path, now: now)
        }
        let other = try TemporaryFolder()
        let otherPath = other.path
        _ = try self.authority(in: otherPath).issue(nodeID: NodeID(2), names: [], directory: otherPath, now: now)
        try CertificateFiles.write(
            try CertificateFiles.read("\(otherPath)/node-2.crt"), to: "\(path)/node-2.crt", mode: 0o644, force: true)
        try FileManager.default.removeItem(atPath: "\(path)/node-3.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: "\(path)/node-4.key")

        let reports = try CertificateAuthority.inspect(directory: path, now: now)
        #expect(reports.map(\.role) == [.authority] + [1, 2, 3, 4].map { .node(NodeID($0)) })
        #expect(reports.map(\.clusterID) == Array(repeating: "cluster-1", count: 5))
        #expect(reports[1].names == ["URI:amas://cluster-1/node/1", "DNS:localhost"])
        #expect(
            reports.map(\.problems) == [
                [], [], [.notSignedByAuthority, .keyMismatch], [.keyMissing], [.keyExposed(mode: 0o640)],
            ])
        #expect("\(reports[3])".contains("node 3 of cluster-1, valid from \(UTCTime.text(now - 300))"))
        #expect("\(reports[3])".hasSuffix("\n  problem: its key is missing"))
        #expect(UTCTime.text(1_795_367_526) == "2026-11-22T17:12:06Z")
        let later = try CertificateAuthority.inspect(directory: path, now: now + 340 * 86_400)
        #expect(later[1].problems == [.expiresWithinDays(30)])
        #expect(try CertificateAuthority.inspect(directory: path, now: now + 365 * 86_400)[1].problems == [.expired])
        #expect(try CertificateAuthority.inspect(directory: path, now: now - 301)[1].problems == [.notYetValid])
    }

    @Test("an authority is replaced by the next without a stop: both in one file, both believed")
    func rotation() throws {
        let old = try TemporaryFolder()
        let new = try TemporaryFolder()
        let oldPath = old.path
        let newPath = new.path
        let issued = try authority(in: oldPath).issue(nodeID: NodeID(1), names: [], directory: oldPath, now: now)
        _ = try authority(in: newPath)
        let both = try CertificateFiles.read("\(newPath)/ca.crt") + CertificateFiles.read("\(oldPath)/ca.crt")
        try CertificateFiles.write(both, to: "\(newPath)/ca.crt", mode: 0o644, force: true)
        let next = try CertificateAuthority.open(directory: newPath)
            .issue(nodeID: NodeID(2), names: [], directory: newPath, now: now)
        for certificate in [issued.certificatePath, next.certificatePath] {
            #expect(try openssl("verify", "-CAfile", "\(newPath)/ca.crt", certificate).status == 0)
        }
        #expect(try CertificateAuthority.inspect(directory: newPath, now: now).allSatisfy { $0.problems.isEmpty })
    }
}
