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
            level: Self.level(notice.severity), "PostgreSQL notice",
            metadata: [
                "severity": "\(notice.severity)", "sqlstate": "\(notice.sqlState)", "notice": "\(notice.message)",
            ])
    }

    private static func level(_ severity: String) -> Logger.Level {
        switch severity {
        case "DEBUG", "LOG": .debug
        case "NOTICE", "INFO": .info
        default: .warning
        }
    }
}
