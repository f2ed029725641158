extension Settings {
    /// Every value filled in: those given, and the defaults where 0 was given.
    public var resolved: Settings {
        func or(_ value: UInt64, _ standard: UInt64) -> UInt64 { value == 0 ? standard : value }
        var settings = self
        settings.resultLimitBytes = or(resultLimitBytes, 64 << 10)
        settings.admissionLimitBytes = or(admissionLimitBytes, 1 << 30)
        settings.admissionLimitTasks = or(admissionLimitTasks, 500_000)
        settings.retainedLimitBytes = or(retainedLimitBytes, 96 << 20)
        settings.evictionGraceMilliseconds = or(evictionGraceMilliseconds, 10 * 60 * 1_000)
        settings.tombstoneMilliseconds = or(tombstoneMilliseconds, 60 * 60 * 1_000)
        settings.tombstoneLimit = or(tombstoneLimit, 200_000)
        settings.idempotencyMilliseconds = or(idempotencyMilliseconds, 15 * 60 * 1_000)
        settings.idempotencyLimit = or(idempotencyLimit, 1_000_000)
        settings.cancelTimeoutMilliseconds = or(cancelTimeoutMilliseconds, 5_000)
        settings.eventWindowCount = or(eventWindowCount, 65_536)
        settings.eventWindowBytes = or(eventWindowBytes, 32 << 20)
        settings.defaultMaxAttempts = defaultMaxAttempts == 0 ? 3 : defaultMaxAttempts
        settings.poisonNodeDeaths = poisonNodeDeaths == 0 ? 2 : poisonNodeDeaths
        return settings
    }

    /// The first field outside its range, nil if there is none. For resolved settings.
    func problem(_ limits: Limits, version: UInt32) -> String? {
        let greatestResult =
            version >= ClusterState.payloadsBesideSince ? limits.resultBytes : UInt64(limits.commandBytes)
        if !(1...greatestResult).contains(resultLimitBytes) { return "settings.result_limit_bytes" }
        if admissionLimitBytes > 1 << 40 { return "settings.admission_limit_bytes" }
        if admissionLimitTasks > 10_000_000 { return "settings.admission_limit_tasks" }
        if retainedLimitBytes > 1 << 40 { return "settings.retained_limit_bytes" }
        if !(10 * 60 * 1_000...Self.dayMilliseconds).contains(evictionGraceMilliseconds) {
            return "settings.eviction_grace_milliseconds"
        }
        if tombstoneMilliseconds > Self.dayMilliseconds { return "settings.tombstone_milliseconds" }
        if tombstoneLimit > 10_000_000 { return "settings.tombstone_limit" }
        if !(15 * 60 * 1_000...Self.dayMilliseconds).contains(idempotencyMilliseconds) {
            return "settings.idempotency_milliseconds"
        }
        if idempotencyLimit > 1_000_000 { return "settings.idempotency_limit" }
        if cancelTimeoutMilliseconds > 10 * 60 * 1_000 { return "settings.cancel_timeout_milliseconds" }
        if eventWindowCount > 10_000_000 { return "settings.event_window_count" }
        if eventWindowBytes > 1 << 40 { return "settings.event_window_bytes" }
        if defaultMaxAttempts > limits.maxAttempts { return "settings.default_max_attempts" }
        if poisonNodeDeaths > limits.maxAttempts { return "settings.poison_node_deaths" }
        return nil
    }

    private static let dayMilliseconds: UInt64 = 24 * 60 * 60 * 1_000
}
