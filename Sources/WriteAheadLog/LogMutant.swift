#if AMAS_MUTANTS
    /// Bugs that logs have had, brought back one at a time for the simulator. Ordinary builds contain none of this.
    public enum LogMutant: Sendable {
        case damageIsTakenForTornTail
        case isNotSynced
        case payloadsAreNotSynced

        /// Set once, before anything runs.
        nonisolated(unsafe) public static var active: LogMutant?
    }
#endif
