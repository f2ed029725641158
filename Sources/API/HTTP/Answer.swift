import HTTPTypes

/// What a route gives back. The responder adds what every answer has.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPFields = [:]
    var body: [UInt8]
    /// The connection cannot be used for another request.
    var closesConnection = false
    /// What was wrong, for logs.
    var problem: ProblemCode?

    init(status: Int, body: [UInt8] = []) {
        self.status = status
        self.body = body
    }

    static func json(_ body: [UInt8], status: Int = 200) -> Answer {
        var answer = Answer(status: status, body: body)
        answer.headers[.contentType] = "application/json"
        return answer
    }

    static func json(status: Int = 200, _ body: (inout JSONWriter) -> Void) -> Answer {
        json(JSONWriter.document { $0.object(body) }, status: status)
    }

    static func text(_ text: String, type: String) -> Answer {
        var answer = Answer(status: 200, body: Array(text.utf8))
        answer.headers[.contentType] = type
        return answer
    }
}
