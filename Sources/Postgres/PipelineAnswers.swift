import CPostgres

/// Sorts the answers to a pipeline: which step each belongs to, what failed first, and what the server has prepared.
struct PipelineAnswers {
    enum Step {
        case deallocate(name: String)
        case prepare(name: String, statement: Int)
        case execute(name: String, statement: Int)
    }

    var steps: [Step]
    /// What is left of the memory that results may take.
    private var freeBytes: Int
    private var answered = 0
    private(set) var rows: [PostgresRows] = []
    private(set) var failure: PostgresError?
    /// Names that the server did not come to prepare.
    private(set) var unprepared: [String] = []
    /// Names that the server still has though nobody will use them again.
    private(set) var leftOver: [String] = []
    private(set) var hadStalePlan = false
    private(set) var lostAllPlans = false

    init(steps: [Step], resultBytes: Int) {
        self.steps = steps
        freeBytes = resultBytes
    }

    /// Takes over one result. True when it is the last: the synchronisation point.
    mutating func take(_ result: OpaquePointer, characters: Int) -> Bool {
        let status = PQresultStatus(result)
        guard status != PGRES_PIPELINE_SYNC else {
            PQclear(result)
            return true
        }
        let step = answered < steps.count ? steps[answered] : nil
        answered += 1
        switch status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            succeed(step, result)
        case PGRES_PIPELINE_ABORTED:
            notRun(step)
            PQclear(result)
        case PGRES_FATAL_ERROR:
            fail(step, ServerMessage(result, characters: characters))
            PQclear(result)
        default:
            // COPY, which has no place in a pipeline, and states of modes that are never entered.
            failure = failure ?? .connectionLost(reason: "COPY is not supported", .unknown)
            PQclear(result)
            return true
        }
        return false
    }

    private mutating func succeed(_ step: Step?, _ result: OpaquePointer) {
        guard case .execute = step else { return PQclear(result) }
        freeBytes -= PQresultMemorySize(result)
        guard freeBytes >= 0 else {
            failure = failure ?? .limitExceeded(.resultBytes)
            rows = []
            return PQclear(result)
        }
        rows.append(PostgresRows(consuming: result))
    }

    private mutating func fail(_ step: Step?, _ message: ServerMessage) {
        var statementIndex = 0
        switch step {
        case .deallocate: break
        case .prepare(let name, let statement):
            unprepared.append(name)
            statementIndex = statement
        case .execute(let name, let statement):
            statementIndex = statement
            if message.isStalePlan {
                hadStalePlan = true
                leftOver.append(name)
            }
        case nil: break
        }
        if message.isMissingStatement {
            hadStalePlan = true
            lostAllPlans = true
        }
        failure = failure ?? PostgresError(message, statementIndex: statementIndex)
    }

    private mutating func notRun(_ step: Step?) {
        switch step {
        case .deallocate(let name): leftOver.append(name)
        case .prepare(let name, _): unprepared.append(name)
        case .execute, nil: break
        }
    }
}
