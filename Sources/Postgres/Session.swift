import CPostgres
import Glibc
import Logging

/// One libpq connection, always non-blocking and in pipeline mode, used by the one thread that opened it.
///
/// Every wait is a `poll` bounded by a deadline and broken by the wake pipe, so a halted server or a full socket buffer in
/// both directions holds nobody up. Once `lostReason` is set the session is of no more use.
final class Session {
    let connection: OpaquePointer
    let limits: PostgresLimits
    let wake: WakePipe
    let cancelSlots: CancelSlots
    var statements: StatementCache
    var parameters = ParameterBuffer()
    /// Why the session ended; nil while it can be used.
    var lostReason: String?
    private let notices: NoticeLog

    struct ConnectFailure: Error {
        var reason: String
    }

    /// Connects and prepares the session; blocks as `PostgresConfiguration.connect` does.
    init(
        _ configuration: PostgresConfiguration, wake: WakePipe, cancelSlots: CancelSlots, logger: Logger
    ) throws(ConnectFailure) {
        guard let connection = configuration.connect() else { throw ConnectFailure(reason: "out of memory") }
        self.connection = connection
        self.wake = wake
        self.cancelSlots = cancelSlots
        limits = configuration.limits
        statements = StatementCache(capacity: limits.preparedStatements)
        notices = NoticeLog(logger: logger, characters: limits.errorTextCharacters)
        guard PQstatus(connection) == CONNECTION_OK else { throw ConnectFailure(reason: errorText) }
        PQsetNoticeReceiver(connection, NoticeLog.receiver, Unmanaged.passUnretained(notices).toOpaque())
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else {
            throw ConnectFailure(reason: errorText)
        }
        try setServerTimeouts()
    }

    deinit {
        PQfinish(connection)
    }

    /// Limits that the server keeps for us, for when this node can no longer cancel: the longest statement, a transaction
    /// whose owner fell silent, a client that vanished while its statement runs (PostgreSQL 14 and later).
    private func setServerTimeouts() throws(ConnectFailure) {
        let statement = PostgresStatement(
            """
            SELECT set_config('statement_timeout', $1, false), \
            set_config('idle_in_transaction_session_timeout', $2, false), \
            set_config('client_connection_check_interval', $3, false)
            """,
            [
                .text("\(limits.longestDeadline.milliseconds + 1000)ms"),
                .text("\(limits.longestLease.milliseconds + 1000)ms"),
                .text("5s"),
            ])
        let bounds = RequestBounds(deadline: .now() + limits.defaultDeadline, interruption: Interruption())
        if case .failure(let error) = run([statement], bounds) {
            throw ConnectFailure(reason: "session settings refused: \(error)")
        }
    }

    var transactionStatus: PGTransactionStatusType {
        PQtransactionStatus(connection)
    }

    /// Whether the server follows another one and takes no writes; it reports each change of that (PostgreSQL 14 and later).
    var isStandby: Bool {
        PQparameterStatus(connection, "in_hot_standby").map { String(cString: $0) == "on" } ?? false
    }

    /// libpq's latest words, as one line, without the password and within the limit.
    var errorText: String {
        let text = String(cString: PQerrorMessage(connection))
        let lines = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        let password = PQpass(connection).map { String(cString: $0) } ?? ""
        let masked = password.isEmpty ? lines : lines.replacing(password, with: PostgresConfiguration.mask)
        return String(masked.prefix(limits.errorTextCharacters))
    }

    /// Looks, without waiting, whether the unused connection still stands. A server that restarted in the meantime is
    /// noticed here, before a request is lost on it.
    func isAlive() -> Bool {
        while lostReason == nil {
            var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 0) > 0 else { break }
            if PQconsumeInput(connection) == 0 { lostReason = errorText }
            // Parses what came, so that notices reach the log and a reported shutdown is taken note of.
            PQfreemem(PQnotifies(connection))
        }
        return lostReason == nil
    }
}

/// When a request must end, and the flag by which its caller gives it up.
struct RequestBounds {
    var deadline: MonotonicTime
    var interruption: Interruption
}
