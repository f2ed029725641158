import COpenSSL
import Glibc
import Raft

/// The names in a certificate, checked before they come near OpenSSL's textual syntax: a comma or a colon in a name
/// would be read as another name.
enum CertificateNames {
    enum Name: Equatable {
        case dns(String)
        case ip(String)

        /// As OpenSSL's extension syntax writes it.
        var extensionText: String {
            switch self {
            case .dns(let name): "DNS:\(name)"
            case .ip(let address): "IP:\(address)"
            }
        }
    }

    static func uri(clusterID: String, node: NodeID) -> String { "amas://\(clusterID)/node/\(node)" }
    static func uri(clusterID: String) -> String { "amas://\(clusterID)" }

    static func check(clusterID: String) throws(CertificateError) {
        guard !clusterID.isEmpty, clusterID.utf8.count <= CertificateAuthority.Settings.maximumClusterIDBytes else {
            let limit = CertificateAuthority.Settings.maximumClusterIDBytes
            throw .invalidName(clusterID, "a cluster id has 1 to \(limit) characters")
        }
        guard clusterID.utf8.allSatisfy({ isLetterOrDigit($0) || [0x2D, 0x2E, 0x5F].contains($0) }) else {
            throw .invalidName(clusterID, "a cluster id consists of letters, digits, '.', '_' and '-'")
        }
    }

    static func parse(_ names: [String]) throws(CertificateError) -> [Name] {
        guard names.count <= CertificateAuthority.Settings.maximumNames else {
            throw .invalidName(names[0], "at most \(CertificateAuthority.Settings.maximumNames) names")
        }
        var parsed: [Name] = []
        for name in names { parsed.append(try parse(name)) }
        return parsed
    }

    private static func parse(_ name: String) throws(CertificateError) -> Name {
        if isAddress(name) { return .ip(name) }
        let labels = name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        let isName =
            name.utf8.count <= CertificateAuthority.Settings.maximumNameBytes
            && labels.enumerated().allSatisfy { isLabel($0.element, isFirst: $0.offset == 0) }
        guard isName, !labels.isEmpty else { throw .invalidName(name, "it is neither a DNS name nor an IP address") }
        return .dns(name)
    }

    /// RFC 1123: letters, digits and hyphens inside; a whole first label may be a wildcard.
    private static func isLabel(_ label: Substring.UTF8View.SubSequence, isFirst: Bool) -> Bool {
        if isFirst, label.elementsEqual([0x2A]) { return true }
        return (1...63).contains(label.count) && label.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D }
            && label.first != 0x2D && label.last != 0x2D
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isAddress(_ text: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1
    }
}
