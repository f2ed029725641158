/// The families that every Prometheus client exports about its process, read from `/proc` at each scrape. Where a value
/// cannot be read its family has no series.
public enum ProcessMetrics {
    public static func register(in registry: MetricsRegistry) {
        registry.counter(
            "process_cpu_seconds_total", help: "Processor time spent, user and system.", unit: .seconds,
            sampledBy: { ProcessStatistics.current()?.cpuSeconds })
        registry.gauge(
            "process_resident_memory_bytes", help: "Memory held in RAM.", unit: .bytes,
            sampledBy: { ProcessStatistics.current()?.residentBytes })
        registry.gauge(
            "process_virtual_memory_bytes", help: "Size of the address space.", unit: .bytes,
            sampledBy: { ProcessStatistics.current()?.virtualBytes })
        registry.gauge(
            "process_threads", help: "Threads of the process.", sampledBy: { ProcessStatistics.current()?.threads })
        registry.gauge(
            "process_open_fds", help: "Open file descriptors.", sampledBy: { ProcessStatistics.openFileDescriptors() })
        registry.gauge(
            "process_max_fds", help: "File descriptors that may be open at once.",
            sampledBy: { ProcessStatistics.maximumFileDescriptors() })
        let start = ProcessStatistics.startSeconds()
        registry.gauge(
            "process_start_time_seconds", help: "When the process started, seconds since 1970.", unit: .seconds,
            sampledBy: { start })
    }
}

/// What is running, as `amas_build_info`.
public struct BuildInfo: Hashable, Sendable {
    public let version: String
    /// Nil where the build does not know it: the label is then left out.
    public let commit: String?

    public init(version: String, commit: String? = nil) {
        self.version = version
        self.commit = commit
    }

    public func register(in registry: MetricsRegistry) {
        let help = "The version that runs."
        guard let commit else { return registry.info("amas_build_info", help: help, labels: ["version": version]) }
        registry.info("amas_build_info", help: help, labels: ["version": version, "commit": commit])
    }
}
