import Glibc
import Raft

/// What `amas certs inspect` tells about one certificate of a folder.
struct CertificateReport: Equatable {
    enum Role: Equatable {
        case authority
        case node(NodeID)
        /// Not made by `CertificateAuthority`.
        case foreign
    }

    /// What is wrong, for people. A folder without problems can be given to a node.
    enum Problem: Equatable, CustomStringConvertible {
        case notYetValid
        case expired
        case expiresWithinDays(Int)
        case notSignedByAuthority
        case keyMissing
        case keyUnreadable(String)
        case keyMismatch
        /// Others than the owner may read or write the key.
        case keyExposed(mode: UInt32)

        var description: String {
            switch self {
            case .notYetValid: "not valid yet: compare the clocks"
            case .expired: "expired"
            case .expiresWithinDays(let days): "expires within \(days) days"
            case .notSignedByAuthority: "not signed by an authority in \(CertificateAuthority.certificateFile)"
            case .keyMissing: "its key is missing"
            case .keyUnreadable(let reason): "its key cannot be read: \(reason)"
            case .keyMismatch: "the key beside it belongs to another certificate"
            case .keyExposed(let mode): "its key can be read by others (mode \(String(mode, radix: 8)))"
            }
        }
    }

    static let warningDays = 30

    var path: String
    var role: Role
    var commonName: String
    var clusterID: String?
    var names: [String]
    var serial: String
    /// Seconds since 1970.
    var validFrom: Int
    var validUntil: Int
    var problems: [Problem]
}

extension CertificateReport: CustomStringConvertible {
    /// One line, the names under it, then a line for each problem.
    var description: String {
        let owner =
            switch role {
            case .authority: "authority of \(clusterID ?? commonName)"
            case .node(let node): "node \(node) of \(clusterID ?? "no cluster")"
            case .foreign: "foreign certificate \(commonName)"
            }
        let dates = "valid from \(UTCTime.text(validFrom)) until \(UTCTime.text(validUntil))"
        let lines = ["\(path): \(owner), \(dates), serial \(serial)", "  names: \(names.joined(separator: ", "))"]
        return (lines + problems.map { "  problem: \($0)" }).joined(separator: "\n")
    }
}

extension CertificateAuthority {
    /// Looks at every `.crt` file of `directory`, the authority first, then by name.
    /// - Parameter now: seconds since 1970.
    static func inspect(directory: String, now: Int) throws(CertificateError) -> [CertificateReport] {
        let authorities = try Certificate.read("\(directory)/\(certificateFile)")
        var reports: [CertificateReport] = []
        for file in try certificateFiles(of: directory) {
            let path = "\(directory)/\(file)"
            for (index, certificate) in try Certificate.read(path).enumerated() {
                var report = report(certificate, path: path, authorities: authorities, now: now)
                // The key beside the file is that of the first certificate in it.
                if index == 0 { report.problems += keyProblems(certificate, path: path) }
                reports.append(report)
            }
        }
        return reports
    }

    private static func certificateFiles(of directory: String) throws(CertificateError) -> [String] {
        guard let handle = opendir(directory) else {
            throw .unreadable(directory, String(cString: strerror(errno)))
        }
        defer { closedir(handle) }
        var files: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name.hasSuffix(".crt"), name != certificateFile { files.append(name) }
        }
        return [certificateFile] + files.sorted()
    }

    private static func report(
        _ certificate: Certificate, path: String, authorities: [Certificate], now: Int
    ) -> CertificateReport {
        let role: CertificateReport.Role =
            certificate.isAuthority ? .authority : certificate.nodeID.map { .node($0) } ?? .foreign
        var problems: [CertificateReport.Problem] = []
        if now < certificate.validFrom { problems.append(.notYetValid) }
        if now >= certificate.validUntil {
            problems.append(.expired)
        } else if certificate.validUntil - now < CertificateReport.warningDays * 86_400 {
            problems.append(.expiresWithinDays(CertificateReport.warningDays))
        }
        if !authorities.contains(where: { certificate.isSigned(by: $0) }) { problems.append(.notSignedByAuthority) }
        return CertificateReport(
            path: path, role: role, commonName: certificate.commonName, clusterID: certificate.clusterID,
            names: certificate.names, serial: certificate.serial, validFrom: certificate.validFrom,
            validUntil: certificate.validUntil, problems: problems)
    }

    private static func keyProblems(_ certificate: Certificate, path: String) -> [CertificateReport.Problem] {
        let keyPath = "\(path.dropLast(".crt".count)).key"
        var status = stat()
        guard stat(keyPath, &status) == 0 else {
            // A node's folder holds the authority's certificate and must not hold its key.
            return certificate.isAuthority ? [] : [.keyMissing]
        }
        var problems: [CertificateReport.Problem] = []
        if status.st_mode & 0o077 != 0 { problems.append(.keyExposed(mode: status.st_mode & 0o777)) }
        do throws(CertificateError) {
            if !certificate.matches(try PrivateKey.read(keyPath)) { problems.append(.keyMismatch) }
        } catch {
            problems.append(.keyUnreadable("\(error)"))
        }
        return problems
    }
}
