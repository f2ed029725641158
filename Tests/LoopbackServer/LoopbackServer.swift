// LoopbackServer: a small real HTTP/1.1 server on 127.0.0.1 for the tests of everything that goes out over HTTP.
//
// A test gives it a function that answers each request by writing bytes, and so can do what no proper server does:
// hang, drip, reset, lie about lengths. One thread for each connection; blocking calls; no dependency. For tests only.

import Glibc
import Synchronization

public final class LoopbackServer: Sendable {
    /// Answers one request. Throwing, or returning `.close`, ends the connection; `.keep` waits for the next request on
    /// it.
    public typealias Handler = @Sendable (LoopbackConnection, LoopbackRequest) throws -> Next

    public enum Next: Sendable { case keep, close }

    public let port: UInt16
    private let listener: Int32
    private let handler: Handler
    private let state = Mutex(State())

    private struct State {
        var accepted = 0
        var isStopped = false
        var open: Set<Int32> = []
    }

    /// Starts on a free port.
    public init(_ handler: @escaping Handler) throws {
        (listener, port) = try LoopbackServer.listen()
        self.handler = handler
        LoopbackServer.onThread { [self] in acceptAll() }
    }

    /// Connections accepted so far.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// `http://127.0.0.1:port` and the path.
    public func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Breaks every connection and takes no more.
    public func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            let isWelcome = state.withLock { state in
                guard !state.isStopped else { return false }
                state.accepted += 1
                state.open.insert(descriptor)
                return true
            }
            guard isWelcome else {
                close(descriptor)
                continue
            }
            LoopbackServer.onThread { [self] in serve(descriptor) }
        }
        close(listener)
    }

    private func serve(_ descriptor: Int32) {
        let connection = LoopbackConnection(descriptor)
        var next = Next.keep
        while next == .keep, let request = connection.readRequest() {
            next = (try? handler(connection, request)) ?? .close
        }
        state.withLock { state in
            _ = state.open.remove(descriptor)
            close(descriptor)
        }
    }

    private static func listen() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(descriptor, pointer, length) == 0, Glibc.listen(descriptor, 1_024) == 0 else {
                    return Int32(-1)
                }
                return getsockname(descriptor, pointer, &length)
            }
        }
        guard descriptor >= 0, code == 0 else { throw LoopbackError(code: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func onThread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
            if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
            return nil
        }
        precondition(pthread_create(&thread, nil, run, Unmanaged.passRetained(Work(body)).toOpaque()) == 0)
        pthread_detach(thread)
    }
}

/// The `errno` of a failed call.
public struct LoopbackError: Error, Sendable {
    public let code: Int32
}

public struct LoopbackRequest: Sendable {
    public let method: String
    /// As on the request line.
    public let target: String
    /// Names in lower case.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    public subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    public var text: String { String(decoding: body, as: UTF8.self) }
}
