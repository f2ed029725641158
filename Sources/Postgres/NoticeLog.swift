import CPostgres
import Logging

/// Passes the server's notices on to the log, at the level of their severity.
final class NoticeLog {
    private let logger: Logger
    private let characters: Int

    init(logger: Logger, characters: Int) {
        self.logger = logger
        self.characters = characters
    }

    /// libpq calls this on the session's thread while the session reads; the context is the session's own `NoticeLog`.
    static let receiver: PQnoticeReceiver = { context, result in
        guard let context, let result else { return }
        Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().log(result)
    }

    private func log(_ result: OpaquePointer) {
        let notice = ServerMessage(result, characters: characters)
        logger.log(
            level: Self.level(notice.severity, notice.sqlState), "PostgreSQL notice",
            metadata: [
                "severity": "\(notice.severity)", "sqlstate": "\(notice.sqlState)", "notice": "\(notice.message)",
            ])
    }

    /// Schema, relation, column, object: what `IF NOT EXISTS` asked for exists already.
    private static let alreadyExists: Set<String> = ["42P06", "42P07", "42701", "42710"]

    private static func level(_ severity: String, _ sqlState: String) -> Logger.Level {
        switch severity {
        case "DEBUG", "LOG": .debug
        case "NOTICE" where alreadyExists.contains(sqlState): .debug
        case "NOTICE", "INFO": .info
        default: .warning
        }
    }
}
