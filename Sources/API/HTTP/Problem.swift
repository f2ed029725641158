import HTTPTypes

/// A request that cannot be answered as asked: RFC 9457.
struct Problem: Error, Sendable {
    var code: ProblemCode
    /// One sentence about this very request. No secrets, no insides.
    var detail: String?
    /// Each field that is wrong, in the order found.
    var fields: [FieldProblem] = []
    var retryAfterSeconds: UInt64?
    var headers: HTTPFields = [:]
    /// The connection cannot be used for another request.
    var closesConnection = false

    init(_ code: ProblemCode, _ detail: String? = nil, fields: [FieldProblem] = []) {
        self.code = code
        self.detail = detail
        self.fields = fields
        retryAfterSeconds = code.retryAfterSeconds
    }

    /// One field that is wrong.
    static func invalid(_ field: String, _ message: String) -> Problem {
        Problem(.invalid, fields: [FieldProblem(field, message)])
    }

    static func badRequest(_ field: String, _ message: String) -> Problem {
        Problem(.badRequest, fields: [FieldProblem(field, message)])
    }

    func answer(instance: String, requestID: String) -> Answer {
        var answer = Answer(status: code.status, body: document(instance: instance, requestID: requestID))
        answer.headers = headers
        answer.headers[.contentType] = "application/problem+json"
        if let retryAfterSeconds { answer.headers[.retryAfter] = String(retryAfterSeconds) }
        answer.closesConnection = closesConnection
        answer.problem = code
        return answer
    }

    func document(instance: String, requestID: String) -> [UInt8] {
        JSONWriter.document { json in
            json.object { json in
                json.field("type", "/problems/\(code.rawValue)")
                json.field("title", code.title)
                json.field("status", code.status)
                if let detail = detail ?? fields.first.map({ "\($0.field): \($0.message)" }) {
                    json.field("detail", detail)
                }
                json.field("instance", instance)
                json.field("request_id", requestID)
                guard !fields.isEmpty else { return }
                json.name("errors")
                json.array(of: fields) { json, field in
                    json.object { json in
                        json.field("field", field.field)
                        json.field("message", field.message)
                    }
                }
            }
        }
    }
}

struct FieldProblem: Equatable, Sendable {
    var field: String
    var message: String

    init(_ field: String, _ message: String) {
        self.field = field
        self.message = message
    }
}
