import Foundation
import Glibc
import Testing

@testable import Telemetry

@Suite("Descriptor sink")
struct LogSinkTests {
    @Test("everything is written, though the pipe is small and does not block", arguments: [true, false])
    func pipe(blocking: Bool) throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        if !blocking { #expect(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0) }
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let writer = Thread {
            LogSink.fileDescriptor(descriptor).write(bytes)
            try? pipe.fileHandleForWriting.close()
        }
        writer.start()
        #expect(try pipe.fileHandleForReading.readToEnd().map(Array.init) == bytes)
    }

    @Test("a descriptor that is gone loses the lines and nothing else")
    func closed() {
        LogSink.fileDescriptor(-1).write([1, 2, 3])
    }
}
