import Raft

/// What apply gathers while it works on one entry. Empty between entries, and no part of the state.
struct EntryScratch: Sendable {
    var wallTime: UInt64 = 0
    var trace = Envelope.Trace.none
    var tenant = ""
    var bodyBytes: UInt64 = 0
    var changes = ChangeLog()
    var events: [Event] = []
    var assignments: [AssignmentChange] = []
    var changedTasks: [TaskKey] = []
    var payloads: [BroughtPayload] = []
    var totals: TotalsRecord?
    var movesLeft = 0
    var assignmentsLeft = 0
    var forgottenLeft = 0

    mutating func reset() {
        trace = .none
        tenant = ""
        bodyBytes = 0
        events = []
        assignments = []
        changedTasks = []
        payloads = []
        totals = nil
    }
}
