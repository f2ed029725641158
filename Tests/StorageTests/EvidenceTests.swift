import ClusterState
import Postgres
import Raft
import SwiftProtobuf
import Testing

@testable import Storage

@Suite("Evidence about tasks that have left the state")
struct EvidenceTests {
    @Test("all that a task needs to run again is kept, once it has ended, and says how far PostgreSQL is")
    func archive() async throws {
        var log = try LoggedState()
        try log.submit("done", steps: 2) {
            $0.parameters = Payload(bytes: Array(#"{"a":"\#(String(repeating: "b", count: 9_000))"}"#.utf8))
            $0.steps[1].parameters = Payload(bytes: Array(#"{"deep":true}"#.utf8))
            $0.deadlineMilliseconds = 60_000
            $0.budgetMicroUsd = 5
        }
        try log.complete("done", step: 0)
        try log.complete("done", step: 1, finish: .completed)
        try log.submit("live")
        try await Database.with { database in
            try await database.project(log)
            let cluster = try #require(ClusterIdentity(log.state))
            let found = try await database.queries.evidence(
                on: ["done", "live", "nobody"], tenant: "default", archiveOf: "done", of: cluster)
            #expect(found.map(\.evidence.taskID) == ["done", "live"])
            let done = try #require(found.first)
            let view = try log.view("done")
            #expect(done.evidence.status == .completed && done.evidence.revision == view.revision.rawValue)
            #expect(found.allSatisfy { $0.evidence.readThrough == (try? log.view("live").revision.rawValue) })
            let archive = try #require(done.archive)
            #expect(archive.spec == view.spec && archive.attempt == view.record.attempt)
            #expect(archive.createdRevision == view.record.createdRevision)
            #expect(archive.createdWall == view.record.createdWall)
            #expect(archive.costMicroUsd == view.record.costMicroUsd && archive.costMicroUsd > 0)
            #expect(archive.inputTokens == view.record.inputTokens && archive.outputTokens == view.record.outputTokens)
            #expect(found[1].archive == nil)
            let others = try await database.queries.evidence(
                on: ["done"], tenant: "default", archiveOf: nil, of: cluster)
            #expect(others.map(\.archive) == [nil], "bytes that nobody asked for are not read")
            let foreign = try await database.queries.evidence(
                on: ["done"], tenant: "other", archiveOf: "done", of: cluster)
            #expect(foreign.isEmpty)
        }
    }

    @Test("what the evidence brings back, the state takes")
    func roundTrip() async throws {
        var log = try LoggedState()
        try log.submit("a")
        try log.run("a", result: #"{"n":1}"#)
        try await Database.with { database in
            for batch in try await database.project(log) { try log.propose(.persisted(batch.persisted)) }
            try log.pass(milliseconds: 10 * 60_000)
            try log.pass(milliseconds: 61 * 60_000)
            #expect(log.state.task(key("a")) == nil && log.state.tombstone(key("a")) == nil)
            let cluster = try #require(ClusterIdentity(log.state))
            let found = try await database.queries.evidence(
                on: ["a"], tenant: "default", archiveOf: "a", of: cluster)
            try log.request(
                .executeTask(
                    .with {
                        $0.taskID = "a"
                        $0.evidence = found.map(\.evidence)
                        if let archive = found.first?.archive { $0.archive = archive }
                    }))
            try log.run("a", result: #"{"n":2}"#)
            try await database.project(log)
            let stored = try #require(try await database.queries.task(key("a"), of: cluster))
            let revision = try log.view("a").revision
            #expect(stored.executions.map(\.attempt) == [1, 2] && stored.revision == revision)
            #expect(stored.currentExecutions.map(\.attempt) == [2])
        }
    }

    @Test("until the cluster has risen, an older node can go on with the database; rows of that time give no archive")
    func earlierVersion() async throws {
        let before = Command.evidenceSince - 1
        var log = try LoggedState(machineVersion: before)
        try log.submit("a")
        try log.run("a")
        try await Database.with(machineVersion: before) { database in
            try await database.project(log)
            let applied = "SELECT max(version)::bigint FROM schema_migrations"
            #expect(try await database.count(applied) == StorageSchema.count(machineVersion: before))
            #expect(try await StorageSchema.migrate(database.pool, machineVersion: before).isEmpty)
            let cluster = try #require(ClusterIdentity(log.state))
            let error = try await storageError {
                _ = try await database.queries.evidence(on: ["a"], tenant: "default", archiveOf: "a", of: cluster)
            }
            #expect(error == .notMigrated)
            #expect(try await StorageSchema.migrate(database.pool).count == 1)
            #expect(try await database.count(applied) == StorageSchema.migrations.count)
            #expect(try await StorageSchema.migrate(database.pool, machineVersion: before).isEmpty, "a node that lags")
            let found = try await database.queries.evidence(
                on: ["a"], tenant: "default", archiveOf: "a", of: cluster)
            #expect(found.count == 1 && found[0].archive == nil && found[0].evidence.status == .completed)
        }
    }
}
