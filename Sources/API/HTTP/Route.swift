import Agents
import HTTPTypes

/// One line of the route table: what the router matches, what the caller must be allowed, what OpenAPI says, who
/// answers.
struct Route: Sendable {
    typealias Handler = @Sendable (Call) async throws(Problem) -> Answer

    /// A route without a declared access does not compile.
    enum Access: Sendable {
        case open
        case needs(Permission)
    }

    enum Body: Sendable {
        case none
        /// A JSON object of that schema; it may be missing if `isOptional`.
        case json(schema: String, isOptional: Bool)
    }

    struct Response: Sendable {
        var status: Int
        var description: String
        /// The name of a schema; nil for answers without a JSON body.
        var schema: String?

        init(_ status: Int, _ description: String, schema: String? = nil) {
            self.status = status
            self.description = description
            self.schema = schema
        }
    }

    var method: HTTPRequest.Method
    /// Such as `/api/v1/tasks/{task_id}`.
    var path: String
    var access: Access
    /// Answered however busy the node is.
    var isProbe = false
    /// Unique, for generated clients.
    var operation: String
    var summary: String
    var query: [QueryParameter] = []
    var headers: [String] = []
    var body = Body.none
    var responses: [Response]
    var handler: Handler
}

/// One name that a query may have.
struct QueryParameter: Sendable {
    var name: String
    var description: String
    var schema: JSONValue
}
