import Logging

/// What stands behind one `Logger`: its label, its own level and metadata, and the way to the output that all share.
struct QueueingLogHandler: LogHandler {
    let label: String
    let output: LogOutput
    var metadataProvider: Logger.MetadataProvider?
    var metadata: Logger.Metadata = [:]
    private var ownLevel: Logger.Level?

    init(label: String, output: LogOutput, metadataProvider: Logger.MetadataProvider?) {
        self.label = label
        self.output = output
        self.metadataProvider = metadataProvider
    }

    /// The output's level, which changes at run time, unless this logger was given one.
    var logLevel: Logger.Level {
        get { ownLevel ?? output.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// The provider is asked here, on the calling thread, because it reads the running task's values.
    func log(event: LogEvent) {
        var layers: [Logger.Metadata] = []
        if !metadata.isEmpty { layers.append(metadata) }
        if let provided = metadataProvider?.get(), !provided.isEmpty { layers.append(provided) }
        if let own = event.metadata, !own.isEmpty { layers.append(own) }
        output.log(event, label: label, metadata: layers)
    }
}
