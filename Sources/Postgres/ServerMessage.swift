import CPostgres

/// One error or notice of the server, taken apart. Only what may be shown is taken: DETAIL, HINT and CONTEXT quote values.
struct ServerMessage: Equatable {
    var sqlState = ""
    /// In English whatever the server's language: ERROR, FATAL, PANIC, WARNING, NOTICE, INFO, LOG, DEBUG.
    var severity = ""
    var message = ""
    var constraint = ""
    var column = ""
    /// The server's C function that reported it, which tells apart what shares a SQLSTATE in every language.
    var routine = ""

    /// FATAL and PANIC end the session.
    var isFatal: Bool {
        severity == "FATAL" || severity == "PANIC"
    }

    /// "cached plan must not change result type": a table behind a prepared statement was altered.
    var isStalePlan: Bool {
        sqlState == "0A000" && routine == "RevalidateCachedQuery"
    }

    /// A prepared statement is gone: someone said DISCARD, or a pooler put us on another session.
    var isMissingStatement: Bool {
        sqlState == "26000"
    }
}

extension ServerMessage {
    /// Field codes of the protocol, which `postgres_ext.h` spells as macros that Swift does not import.
    private enum Field: UInt8 {
        case severity = 0x56  // V
        case sqlState = 0x43  // C
        case message = 0x4D  // M
        case constraint = 0x6E  // n
        case column = 0x63  // c
        case routine = 0x52  // R
    }

    /// Reads an error or notice result; the message is cut to `characters`.
    init(_ result: OpaquePointer, characters: Int) {
        func text(_ field: Field) -> String {
            PQresultErrorField(result, Int32(field.rawValue)).map { String(cString: $0) } ?? ""
        }
        sqlState = text(.sqlState)
        severity = text(.severity)
        message = String(text(.message).prefix(characters))
        constraint = text(.constraint)
        column = text(.column)
        routine = text(.routine)
        // Errors that libpq itself finds have no fields, only a text.
        if message.isEmpty {
            let own = String(cString: PQresultErrorMessage(result))
            message = String(own.split(whereSeparator: \.isNewline).joined(separator: "; ").prefix(characters))
        }
    }
}
