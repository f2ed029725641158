import Glibc

/// Where rendered lines go. `write` gets whole lines, is called by the log thread alone, and may block: then events
/// queue up and, past the queue's bounds, are dropped.
public struct LogSink: Sendable {
    public let write: @Sendable ([UInt8]) -> Void

    public init(write: @escaping @Sendable ([UInt8]) -> Void) {
        self.write = write
    }

    public static let standardError = fileDescriptor(STDERR_FILENO)

    /// Writes to a descriptor that stays open as long as the sink is used. A write that fails for good loses its lines:
    /// there is nowhere left to say so. The process is expected to ignore SIGPIPE.
    public static func fileDescriptor(_ descriptor: Int32) -> LogSink {
        LogSink { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0 && errno == EAGAIN {
                    // Whoever gave us the descriptor may have made it non-blocking; this thread has time.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&ready, 1, -1)
                } else if written == 0 || errno != EINTR {
                    return
                }
            }
        }
    }
}
