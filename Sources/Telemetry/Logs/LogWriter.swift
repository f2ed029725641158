import CPlatform
import Glibc
import Logging

/// What the log thread runs: take, render, write, until the queue is closed and empty.
final class LogWriter: Sendable {
    private let queue: LogQueue
    private let renderer: LogRenderer
    private let sink: LogSink
    private let clock: @Sendable () -> WallTime

    init(queue: LogQueue, renderer: LogRenderer, sink: LogSink, clock: @escaping @Sendable () -> WallTime) {
        self.queue = queue
        self.renderer = renderer
        self.sink = sink
        self.clock = clock
    }

    func run() {
        var chunk: [UInt8] = []
        while let batch = queue.take() {
            var unwritten = 0
            for record in batch.records {
                renderer.append(record, to: &chunk)
                unwritten += 1
                if chunk.count >= renderer.limits.logChunkBytes {
                    flush(&chunk, &unwritten)
                }
            }
            if batch.dropped > 0 { renderer.append(dropNote(batch.dropped), to: &chunk) }
            flush(&chunk, &unwritten)
        }
    }

    private func flush(_ chunk: inout [UInt8], _ records: inout Int) {
        if !chunk.isEmpty { sink.write(chunk) }
        chunk.removeAll(keepingCapacity: true)
        queue.markWritten(records)
        records = 0
    }

    /// A gap in the log says that it is one.
    private func dropNote(_ count: Int) -> LogRecord {
        LogRecord(
            time: clock(), level: .warning, logger: "amas.telemetry", message: "log events dropped",
            metadata: [["count": .stringConvertible(count)]])
    }

    /// Starts a thread that runs the writer and keeps it alive until it ends.
    static func start(_ writer: LogWriter) {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { preconditionFailure("the writer is passed to its thread") }
                amas_thread_set_name("log")
                Unmanaged<LogWriter>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(writer).toOpaque())
        pthread_attr_destroy(&attributes)
        precondition(result == 0, "the log thread could not be started: error \(result)")
    }
}
