import HTTPTypes
import Orchestration
import Raft
import Telemetry

/// A request on its way through a route: checked as far as every request is checked.
struct Call: Sendable {
    var head: HTTPRequest
    /// Decoded values of the path template's names.
    var parameters: [String]
    var query: QueryItems
    /// Empty unless the route takes a body.
    var body: [UInt8]
    /// Nil on open routes.
    var principal: Principal?
    var requestID: RequestID
    var trace: TraceContext
    /// The path as sent, without the query.
    var path: String
    /// That of the route, for figures; `none` while there is no route.
    var template: String

    /// Whoever calls a route that is not open is somebody.
    var caller: Principal {
        guard let principal else { preconditionFailure("only open routes are called by nobody") }
        return principal
    }

    func header(_ name: HTTPField.Name) -> String? { head.headerFields[name] }

    /// For the log: so that the trace goes on where the command is applied.
    var envelopeTrace: Envelope.Trace {
        Envelope.Trace(
            traceIDHigh: trace.traceID.high, traceIDLow: trace.traceID.low, spanID: trace.spanID.rawValue,
            flags: trace.flags.rawValue)
    }

    /// The seconds of `Prefer: wait=N` (RFC 7240), cut to the limit; nil without that preference.
    func wait(limits: APILimits) throws(Problem) -> UInt64? {
        for preference in (header(.prefer) ?? "").split(separator: ",") {
            let parts = preference.split(separator: ";")[0].split(separator: "=", maxSplits: 1)
            guard parts.first?.trimmed.lowercased() == "wait" else { continue }
            let text = parts.count == 2 ? parts[1].trimmed.filter { $0 != "\"" } : ""
            guard let seconds = UInt64(text) else {
                throw .badRequest("Prefer", "wait must be a whole number of seconds")
            }
            return min(seconds, limits.waitSeconds)
        }
        return nil
    }

    /// The `Idempotency-Key`, with or without the quotes of a structured field.
    func idempotencyKey(limits: APILimits) throws(Problem) -> String? {
        guard let text = header(.idempotencyKey) else { return nil }
        let isQuoted = text.utf8.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
        let key = isQuoted ? String(text.dropFirst().dropLast()) : text
        guard (1...limits.idempotencyKeyBytes).contains(key.utf8.count), key.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else {
            throw .badRequest(
                "Idempotency-Key", "must be 1 to \(limits.idempotencyKeyBytes) visible ASCII characters without spaces")
        }
        return key
    }

    /// Whether the client has this version already (`If-None-Match`, weak comparison).
    func has(entityTag: String) -> Bool {
        guard let condition = header(.ifNoneMatch) else { return false }
        return condition.split(separator: ",").contains { candidate in
            let candidate = candidate.trimmed
            return candidate == "*" || candidate == entityTag || candidate == "W/\(entityTag)"
        }
    }
}

extension StringProtocol {
    /// Without white space around it, as header values have it.
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
