import Agents
import HTTPTypes

/// The OpenAPI 3.1 document, made from the route table.
enum OpenAPI {
    static let path = "/openapi.json"

    /// The table with the route that serves the document; the document describes that one too.
    static func completed(_ routes: [Route], version: String) -> [Route] {
        var own = Route(
            method: .get, path: path, access: .needs(.readContract), operation: "openapi",
            summary: "This document.", responses: [.init(200, "OpenAPI 3.1.")], handler: { _ in .json([]) })
        let bytes = document(routes + [own], version: version)
        own.handler = { _ in .json(bytes) }
        return routes + [own]
    }

    static func document(_ routes: [Route], version: String) -> [UInt8] {
        JSONWriter.document(capacity: 1 << 15) { json in
            json.object { json in
                json.field("openapi", "3.1.0")
                json.field(
                    "info",
                    object: { json in
                        json.field("title", "AMAS")
                        json.field("version", version)
                    })
                json.field("paths", object: { paths(routes, &$0) })
                json.field(
                    "components",
                    object: { json in
                        json.field(
                            "securitySchemes",
                            object: { json in
                                json.field(
                                    "key",
                                    object: { json in
                                        json.field("type", "http")
                                        json.field("scheme", "bearer")
                                    })
                            })
                        json.field(
                            "schemas",
                            object: { json in
                                for (name, schema) in Schemas.all {
                                    json.name(name)
                                    json.value(schema)
                                }
                            })
                    })
            }
        }
    }

    private static func paths(_ routes: [Route], _ json: inout JSONWriter) {
        var described: Set<String> = []
        for path in routes.map(\.path) where described.insert(path).inserted {
            json.name(path)
            json.object { json in
                for route in routes where route.path == path {
                    json.name(route.method.rawValue.lowercased())
                    json.object { operation(route, &$0) }
                }
            }
        }
    }

    private static func operation(_ route: Route, _ json: inout JSONWriter) {
        json.field("operationId", route.operation)
        json.field("summary", route.summary)
        json.name("security")
        json.array { json in
            guard case .needs = route.access else { return }
            json.object { $0.field("key", strings: [String]()) }
        }
        if case .needs(let permission) = route.access { json.field("x-permission", permission.rawValue) }
        json.field("parameters", array: { parameters(route, &$0) })
        if case .json(let schema, let isOptional) = route.body {
            json.field(
                "requestBody",
                object: { json in
                    json.field("required", !isOptional)
                    content(schema, type: "application/json", &json)
                })
        }
        json.field(
            "responses",
            object: { json in
                for response in route.responses {
                    json.name(String(response.status))
                    json.object { json in
                        json.field("description", response.description)
                        if let schema = response.schema {
                            content(
                                schema, type: response.status < 400 ? "application/json" : "application/problem+json",
                                &json)
                        }
                    }
                }
                json.field(
                    "default",
                    object: { json in
                        json.field("description", "A problem (RFC 9457).")
                        content("Problem", type: "application/problem+json", &json)
                    })
            })
    }

    private static func parameters(_ route: Route, _ json: inout JSONWriter) {
        for segment in route.path.split(separator: "/") where segment.hasPrefix("{") {
            parameter(String(segment.dropFirst().dropLast()), "path", isRequired: true, nil, ["type": "string"], &json)
        }
        for item in route.query {
            parameter(item.name, "query", isRequired: false, item.description, item.schema, &json)
        }
        for header in route.headers {
            parameter(header, "header", isRequired: false, description(ofHeader: header), ["type": "string"], &json)
        }
    }

    /// Of the headers that are ours; the others are explained by their standards.
    private static func description(ofHeader name: String) -> String? {
        switch name {
        case "X-Amas-Index":
            "As an earlier answer of any node carried it, unchanged: the answer is at least as new as that one. It stays right "
                + "when the cluster has been restored from a backup since."
        default: nil
        }
    }

    private static func parameter(
        _ name: String, _ place: String, isRequired: Bool, _ description: String?, _ schema: JSONValue,
        _ json: inout JSONWriter
    ) {
        json.object { json in
            json.field("name", name)
            json.field("in", place)
            json.field("required", isRequired)
            if let description { json.field("description", description) }
            json.name("schema")
            json.value(schema)
        }
    }

    private static func content(_ schema: String, type: String, _ json: inout JSONWriter) {
        json.field(
            "content",
            object: { json in
                json.name(type)
                json.object { $0.field("schema", object: { $0.field("$ref", "#/components/schemas/\(schema)") }) }
            })
    }
}

extension JSONWriter {
    /// Members in the order of their names.
    mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .integer(let number): integer(number)
        case .number(let number): self.number(number)
        case .string(let text): string(text)
        case .array(let elements): array(of: elements) { $0.value($1) }
        case .object(let members):
            object { json in
                for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                    json.name(name)
                    json.value(member)
                }
            }
        }
    }
}
