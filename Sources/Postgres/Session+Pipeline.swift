import CPostgres

extension Session {
    /// Runs statements as one pipeline with one synchronisation at its end: outside BEGIN … COMMIT they are one
    /// transaction, and nothing of it stays unless all succeed. One round trip, preparation included.
    func run(_ batch: [PostgresStatement], _ bounds: RequestBounds) -> Result<[PostgresRows], PostgresError> {
        let wasIdle = transactionStatus == PQTRANS_IDLE
        let first = attempt(batch, bounds)
        // The server refused before it ran anything of the statement, because a table behind its plan has changed or the
        // statement is gone; the whole is rolled back, so doing it again with a fresh preparation is safe.
        guard first.hadStalePlan, wasIdle, lostReason == nil else { return first.result }
        return attempt(batch, bounds).result
    }

    private func attempt(
        _ batch: [PostgresStatement], _ bounds: RequestBounds
    ) -> (result: Result<[PostgresRows], PostgresError>, hadStalePlan: Bool) {
        if bounds.interruption.isRaised { return (.failure(.canceled(.none)), false) }
        if MonotonicTime.now() >= bounds.deadline { return (.failure(.deadlineExceeded(.none)), false) }
        var answers = PipelineAnswers(steps: [], resultBytes: limits.resultBytes)
        for (index, statement) in batch.enumerated() {
            guard send(statement, index: index, &answers) else { return (lostBeforeAnswer(), false) }
        }
        guard PQpipelineSync(connection) == 1 else { return (lostBeforeAnswer(), false) }
        parameters.shrink(toBytes: 1 << 20)

        let ending = converse(bounds) { result in
            guard let result else { return false }
            return answers.take(result, characters: limits.errorTextCharacters)
        }
        for name in answers.unprepared { statements.forget(name) }
        for name in answers.leftOver { statements.orphan(name) }
        if answers.lostAllPlans { statements.forgetAll() }
        return (outcome(of: ending, rows: answers.rows, failure: answers.failure), answers.hadStalePlan)
    }

    /// Queues one statement in libpq's buffer, after its preparation where needed.
    private func send(_ statement: PostgresStatement, index: Int, _ answers: inout PipelineAnswers) -> Bool {
        let name: String
        switch statements.lookup(statement.sql, types: statement.values.map(\.wireType)) {
        case .prepared(let known): name = known
        case .prepare(let fresh, let types, let unused):
            name = fresh
            for old in unused {
                // Names are ours (s1, s2, …), so this text holds nothing from outside.
                guard PQsendQueryParams(connection, "DEALLOCATE \(old)", 0, nil, nil, nil, nil, 0) == 1 else {
                    return false
                }
                answers.steps.append(.deallocate(name: old))
            }
            guard PQsendPrepare(connection, fresh, statement.sql, Int32(types.count), types) == 1 else { return false }
            answers.steps.append(.prepare(name: fresh, statement: index))
        }
        parameters.fill(statement.values)
        let sent = parameters.withPointers { count, values, lengths, formats in
            PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
        }
        answers.steps.append(.execute(name: name, statement: index))
        return sent == 1
    }

    /// libpq would not even take it. Part of the batch may have been flushed, but without the synchronisation that commits.
    private func lostBeforeAnswer() -> Result<[PostgresRows], PostgresError> {
        let reason = errorText
        lostReason = reason
        return .failure(.connectionLost(reason: reason, .none))
    }

    func outcome<Value>(
        of ending: Ending, rows: Value, failure: PostgresError?
    ) -> Result<Value, PostgresError> {
        switch ending {
        case .lost:
            // A failure that was reported before the loss is certain: the server rolls back what it failed in.
            return .failure(failure ?? .connectionLost(reason: lostReason ?? "", .unknown))
        case .abandoned(.deadline): return .failure(.deadlineExceeded(.unknown))
        case .abandoned(.canceled): return .failure(.canceled(.unknown))
        case .complete(let cause):
            guard let failure else { return .success(rows) }
            if case .canceled(let effect) = failure, case .deadline = cause {
                return .failure(.deadlineExceeded(effect))
            }
            if case .connectionLost(let reason, _) = failure { lostReason = reason }
            return .failure(failure)
        }
    }
}
