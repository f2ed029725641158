import HTTPTypes

/// Finds the route of a request. The same lines make the OpenAPI document.
struct RouteTable: Sendable {
    enum Match: Sendable {
        case route(Route, parameters: [String])
        /// The path exists, for these methods only.
        case otherMethods([HTTPRequest.Method])
        case nothing
    }

    private enum Segment: Equatable {
        case literal(Substring)
        case parameter
    }

    /// All routes of one path template.
    private struct Place {
        var segments: [Segment]
        var routes: [Route]
    }

    let routes: [Route]
    private let places: [Place]

    /// - Precondition: no method of a path is declared twice.
    init(_ routes: [Route]) {
        self.routes = routes
        var places: [Place] = []
        for route in routes {
            let segments = Self.split(route.path[...]).map { $0.hasPrefix("{") ? Segment.parameter : .literal($0) }
            if let known = places.firstIndex(where: { $0.segments == segments }) {
                precondition(
                    !places[known].routes.contains { $0.method == route.method },
                    "\(route.method) \(route.path) is declared twice")
                places[known].routes.append(route)
            } else {
                places.append(Place(segments: segments, routes: [route]))
            }
        }
        self.places = places
    }

    /// HEAD is answered like GET; the responder leaves the body away.
    func match(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        let parts = Self.split(path)
        for place in places where place.segments.count == parts.count {
            guard let parameters = Self.parameters(of: place.segments, in: parts) else { continue }
            let wanted = method == .head ? .get : method
            guard let route = place.routes.first(where: { $0.method == wanted }) else {
                return .otherMethods(Self.allowed(place.routes))
            }
            return .route(route, parameters: parameters)
        }
        return .nothing
    }

    private static func split(_ path: Substring) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func parameters(of segments: [Segment], in parts: [Substring]) -> [String]? {
        var values: [String] = []
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text): guard text == part else { return nil }
            case .parameter:
                guard !part.isEmpty, let value = PercentEncoding.decode(part, plusIsSpace: false) else { return nil }
                values.append(value)
            }
        }
        return values
    }

    private static func allowed(_ routes: [Route]) -> [HTTPRequest.Method] {
        var methods = routes.map(\.method)
        if methods.contains(.get) { methods.append(.head) }
        methods.append(.options)
        return methods.sorted { $0.rawValue < $1.rawValue }
    }
}
