import API
import ClusterState
import Storage

/// `Storage` as the store of the API.
struct StoredTasks: TaskStore {
    let queries: TaskQueries
    let identity: @Sendable () -> ClusterIdentity?

    func list(_ query: TaskQuery, over live: ClusterState) async throws(TaskStoreError) -> TaskListing {
        var filter = TaskFilter(tenant: query.tenant)
        filter.status = query.status
        filter.taskType = query.taskType
        filter.createdBy = query.createdBy
        filter.agent = query.agent
        filter.priority = query.priority
        filter.createdAfter = query.createdAfter
        filter.createdBefore = query.createdBefore
        if let text = query.text { filter.text = SearchText(text) }
        let start: TaskListQuery.Start =
            switch query.start {
            case .offset(let offset): .offset(offset)
            case .after(let cursor): .after(TaskListCursor(createdAt: cursor.createdAt, taskID: cursor.taskID))
            }
        do throws(StorageError) {
            let list = try await queries.list(TaskListQuery(filter, limit: query.limit, start: start), over: live)
            return TaskListing(
                tasks: list.tasks.map(TaskDocument.init), total: list.total,
                next: list.next.map { TaskCursor(createdAt: $0.createdAt, taskID: $0.taskID) })
        } catch {
            throw TaskStoreError(error)
        }
    }

    func task(_ key: TaskKey) async throws(TaskStoreError) -> TaskDocument? {
        guard let identity = identity() else { throw .unavailable(reason: "the cluster has not been created yet") }
        do throws(StorageError) {
            return try await queries.task(key, of: identity).map(TaskDocument.init)
        } catch {
            throw TaskStoreError(error)
        }
    }
}

extension TaskStoreError {
    fileprivate init(_ error: StorageError) {
        switch error {
        case .unavailable(let reason): self = .unavailable(reason: reason)
        case .notMigrated, .tooFarBehind, .newerSchema, .foreignDatabase, .newerGeneration, .ahead, .behind:
            self = .unavailable(reason: "\(error)")
        case .invalidQuery, .unwritable, .failed: self = .failed(reason: "\(error)")
        }
    }
}

extension TaskDocument {
    fileprivate init(_ stored: StoredTask) {
        self.init(
            key: stored.key, title: stored.title, description: stored.description, taskType: stored.taskType,
            target: stored.target, parameters: stored.parameters ?? Array("{}".utf8), priority: stored.priority,
            status: stored.status, strategy: stored.strategy, assignedAgents: stored.assignedAgents,
            execution: Execution(
                node: stored.execution.node, attempt: stored.execution.attempt, epoch: stored.execution.epoch,
                providers: stored.execution.providers, inputTokens: stored.execution.inputTokens,
                outputTokens: stored.execution.outputTokens, costMicroUSD: stored.execution.costMicroUSD),
            createdAt: stored.createdAt, updatedAt: stored.updatedAt, createdBy: stored.createdBy, revision: stored.revision)
        agentResults = stored.currentExecutions.compactMap { step in step.result.map { (step.stepID, $0) } }
        result = stored.result
        summary = stored.summary
        qualityPpm = stored.qualityPpm
        successPpm = stored.successPpm
        durationMilliseconds = stored.durationMilliseconds
        startedAt = stored.startedAt
        completedAt = stored.completedAt
        failure = stored.failure.map { Failure(reason: $0.reason, message: $0.message, subject: $0.subject) }
    }
}
