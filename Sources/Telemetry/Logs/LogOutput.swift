public import Logging
import Synchronization

/// Where all loggers of a node lead: queue, thread, format, level. `amas` makes one and hands it to swift-log:
/// `LoggingSystem.bootstrap(output.makeHandler, metadataProvider: LogContext.metadataProvider)`.
///
/// Every method may be called from any thread.
public final class LogOutput: Sendable {
    private let queue: LogQueue
    private let clock: @Sendable () -> WallTime
    private let flushTimeout: Duration
    private let levelIndex: Atomic<Int>
    /// By the level's index.
    private let accepted: [Counter]
    private let dropped: Counter
    /// From the least severe; kept because every log call asks for the level.
    private static let levels = Logger.Level.allCases

    /// - Parameters:
    ///   - source: Who logs, on every line.
    ///   - level: The least severe level that is logged; it may be changed at any time.
    ///   - clock: The time of events; called on the logging threads.
    ///   - redact: Gives a text without what must not be seen; called on the log thread for messages,
    ///     values, keys and errors.
    public init(
        source: LogSource, format: LogFormat = .json, level: Logger.Level = .info,
        limits: TelemetryLimits = TelemetryLimits(), registry: MetricsRegistry,
        clock: @escaping @Sendable () -> WallTime, redact: @escaping @Sendable (String) -> String,
        sink: LogSink = .standardError
    ) {
        let messages = registry.counters(
            "amas_log_messages_total", help: "Events logged, by level.",
            labels: [.known("level", Logger.Level.allCases.map(\.rawValue))])
        accepted = Logger.Level.allCases.map { messages.with($0.rawValue) }
        dropped = registry.counter(
            "amas_log_messages_dropped_total", help: "Events dropped because the log queue was full or closed.")
        queue = LogQueue(maximumEvents: limits.logQueueEvents, maximumBytes: limits.logQueueBytes)
        self.clock = clock
        flushTimeout = limits.logFlushTimeout
        levelIndex = Atomic(level.index)
        let renderer = LogRenderer(source: source, format: format, limits: limits, redact: redact)
        LogWriter.start(LogWriter(queue: queue, renderer: renderer, sink: sink, clock: clock))
    }

    deinit {
        queue.close()
    }

    /// The level of every logger that has none of its own.
    public var level: Logger.Level {
        get { Self.levels[levelIndex.load(ordering: .relaxed)] }
        set { levelIndex.store(newValue.index, ordering: .relaxed) }
    }

    /// What swift-log calls for each new logger.
    public func makeHandler(label: String, metadataProvider: Logger.MetadataProvider? = nil) -> any LogHandler {
        QueueingLogHandler(label: label, output: self, metadataProvider: metadataProvider)
    }

    /// Waits until the sink has taken what was logged before the call; false if it has not within the limit. Blocks its
    /// thread: call it before ending the process on purpose, not from a concurrent task.
    @discardableResult
    public func flush() -> Bool {
        queue.awaitWritten(timeout: flushTimeout)
    }

    /// As `flush()`, and drops what is logged from then on.
    @discardableResult
    public func shutdown() -> Bool {
        queue.close()
        return flush()
    }

    func log(_ event: LogEvent, label: String, metadata: [Logger.Metadata]) {
        let record = LogRecord(
            time: clock(), level: event.level, logger: label, message: event.message.description, error: event.error,
            metadata: metadata)
        if queue.offer(record) {
            accepted[event.level.index].increment()
        } else {
            dropped.increment()
        }
    }
}

extension Logger.Level {
    /// The position in `allCases`, from the least severe.
    fileprivate var index: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }
}
