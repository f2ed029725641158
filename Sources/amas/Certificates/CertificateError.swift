/// What keeps a certificate from being made or read. Each message says what to do about it.
enum CertificateError: Error, Equatable, CustomStringConvertible {
    /// The file is there and `force` was not given.
    case exists(String)
    case unreadable(String, String)
    case unwritable(String, String)
    case invalidName(String, String)
    case invalidLifetime(days: Int)
    case keyMismatch(certificate: String)
    case notAnAuthority(String)
    /// Seconds since 1970.
    case outlivesAuthority(authorityEnds: Int)
    /// OpenSSL refused, with its own words.
    case library(String)

    var description: String {
        switch self {
        case .exists(let path):
            "\(path) exists already; --force replaces it"
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason)"
        case .unwritable(let path, let reason):
            "cannot write \(path): \(reason)"
        case .invalidName(let name, let reason):
            "'\(name)' cannot be used: \(reason)"
        case .invalidLifetime(let days):
            "a certificate cannot be valid for \(days) days, only for \(CertificateAuthority.Settings.lifetimeDays)"
        case .keyMismatch(let certificate):
            "the key beside \(certificate) belongs to another certificate"
        case .notAnAuthority(let path):
            "\(path) is not the authority of an AMAS cluster"
        case .outlivesAuthority(let ends):
            "it would outlive its authority, which ends at \(UTCTime.text(ends)); make a new authority first"
        case .library(let reason):
            "OpenSSL: \(reason)"
        }
    }
}
