/// The head of a response, with its body still to come.
public struct EgressResponse: Sendable {
    public let head: ResponseHead
    /// The URL that answered, after redirects.
    public let url: EgressURL
    /// To be iterated once. Letting go of it before its end ends the transfer and closes its connection or stream.
    public let body: EgressBody

    public var status: Int { head.status }
}

/// A response read to its end.
public struct EgressReply: Sendable {
    public let head: ResponseHead
    public let url: EgressURL
    public let body: [UInt8]

    public init(head: ResponseHead, url: EgressURL, body: [UInt8]) {
        self.head = head
        self.url = url
        self.body = body
    }

    public var status: Int { head.status }
}

/// Status and header fields.
public struct ResponseHead: Sendable, Hashable {
    public var version: HTTPVersion
    public var status: Int
    public var headers: [HTTPHeader]

    public init(version: HTTPVersion, status: Int, headers: [HTTPHeader]) {
        self.version = version
        self.status = status
        self.headers = headers
    }
}

public enum HTTPVersion: String, Sendable, Hashable {
    case http1_0 = "1.0", http1_1 = "1.1", http2 = "2", http3 = "3"
}

/// The body in pieces as they arrive. At most ``EgressLimits/bufferedBodyBytes`` wait for the reader; past that the
/// server is held back. An error is thrown after the bytes that came before it.
///
/// For one reader: iterating twice, or from two tasks at once, is a mistake of the caller.
public struct EgressBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = EgressError

    let transfer: TransferHandle

    public struct AsyncIterator: AsyncIteratorProtocol {
        let transfer: TransferHandle

        public mutating func next() async throws(EgressError) -> [UInt8]? {
            try await transfer.nextChunk()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(EgressError) -> [UInt8]? {
            try await transfer.nextChunk()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(transfer: transfer) }
}

/// A host with the addresses that the policy has permitted. Made by ``EgressClient/resolve(userTarget:port:within:)``
/// only, so that having one is the proof that it was checked.
public struct CheckedDestination: Sendable, Hashable {
    /// For the TLS server name and the certificate check; the connection goes to an address.
    public let host: Host
    public let port: UInt16
    /// At least one, in the order in which they should be tried.
    public let addresses: [IPAddress]

    init(host: Host, port: UInt16, addresses: [IPAddress]) {
        self.host = host
        self.port = port
        self.addresses = addresses
    }
}
