import ClusterState
import Storage
import SwiftProtobuf
import Telemetry

/// Tasks and filters drawn from few values, so that filters find some and miss some.
struct RandomTasks {
    var random: Random
    private static let types = ["code_analysis", "security_scan", "testing"]
    private static let agents = ["code_analysis", "security_expert", "testing_agent"]
    /// The last two are one text to Swift and two to PostgreSQL.
    private static let people = ["alice", "bob", "çédille", "c\u{327}e\u{301}dille"]
    private static let words = [
        "Scan", "scanner", "the", "Prüfung", "prüfen", "ΣΊΣΥΦΟΣ", "日本語", "v2.0", "e-mail", "a_b", "C++", "naïve", "x",
    ]

    init(seed: UInt64) { random = Random(seed: seed) }

    private mutating func text() -> String {
        (0..<random.below(6)).map { _ in random.element(of: Self.words) }.joined(
            separator: random.element(of: [" ", "-", ", "]))
    }

    /// Some tasks in all stages, some of them created in the same microsecond.
    mutating func submit(_ count: Int, to log: inout LoggedState) throws {
        for number in 0..<count {
            let id = "t\(random.next() % 100_000)-\(number)"
            let tenant = random.chance(10) ? "other" : "default"
            if random.chance(30) { log.wallTime -= 1_000 * UInt64(random.below(5)) }
            try log.submit(id, tenant: tenant, steps: 1 + random.below(2)) { spec in
                spec.title = "T " + text()
                spec.description_p = text()
                spec.taskType = random.element(of: Self.types)
                spec.createdBy = random.element(of: Self.people)
                spec.priority = UInt32(1 + random.below(4))
                spec.autoExecute = random.chance(80)
                for step in spec.steps.indices { spec.steps[step].agent = random.element(of: Self.agents) }
            }
            if random.chance(60) { try advance(id, tenant, in: &log) }
        }
    }

    /// Lets a task go one or a few stages on, if it can.
    mutating func advance(_ id: String, _ tenant: String, in log: inout LoggedState) throws {
        guard try log.view(id, tenant: tenant).status == .assigned else { return }
        switch random.below(4) {
        case 0: try log.start(id, tenant: tenant)
        case 1: try log.run(id, tenant: tenant)
        case 2: try log.fail(id, tenant: tenant)
        default: try log.cancel(id, tenant: tenant)
        }
    }

    mutating func filter(for log: LoggedState) -> TaskFilter {
        var filter = TaskFilter(tenant: random.chance(10) ? "other" : "default")
        if random.chance(25) { filter.status = random.element(of: TaskStatus.allCases) }
        if random.chance(25) { filter.taskType = random.element(of: Self.types) }
        if random.chance(25) { filter.createdBy = random.element(of: Self.people) }
        if random.chance(25) { filter.agent = random.element(of: Self.agents) }
        if random.chance(25) { filter.priority = UInt32(1 + random.below(4)) }
        if random.chance(20) { filter.createdAfter = someTime(in: log) }
        if random.chance(20) { filter.createdBefore = someTime(in: log) }
        if random.chance(40) {
            let prefix = random.element(of: ["", "sc", "prüf", "日", "2", "σί", "a b", "c++", "naï", "日 本"])
            filter.text = SearchText(random.chance(50) ? prefix : text())
        }
        return filter
    }

    private mutating func someTime(in log: LoggedState) -> WallTime? {
        let tasks = log.state.tasks(tenant: "default", limit: .max).tasks
        return tasks.randomElement(using: &random).map {
            WallTime(microsecondsSince1970: Int64($0.record.createdWall) + Int64(random.below(3)) - 1)
        }
    }
}
