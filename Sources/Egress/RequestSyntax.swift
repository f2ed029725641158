/// What a request must be before it is given to libcurl, which would put a line break in a header on the wire as it is.
enum RequestSyntax {
    /// Fields that steer the connection or say where the request goes: those are libcurl's and the policy's to set.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    ]

    static func check(_ request: EgressRequest, limits: EgressLimits) throws(EgressError) {
        guard request.body.count <= limits.requestBodyBytes else {
            throw .tooLarge(.requestBody(limitBytes: limits.requestBodyBytes))
        }
        switch request.method {
        case .get, .head:
            guard request.body.isEmpty else { throw .invalidRequest("\(request.method.rawValue) carries no body") }
        case .post, .put, .patch, .delete, .options: break
        }
        for header in request.headers {
            guard isToken(header.name) else { throw .invalidRequest("a header's name is malformed") }
            guard !reserved.contains(header.name.lowercased()) else {
                throw .invalidRequest("the header \(header.name) is not the caller's to set")
            }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw .invalidRequest("the value of the header \(header.name) has a control character")
            }
        }
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
