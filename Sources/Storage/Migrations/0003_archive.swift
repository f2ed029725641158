import Postgres

extension StorageSchema {
    /// What a task needs to run again after it has left the replicated state. Null in rows of earlier releases, and until the
    /// task has ended.
    static let archive = PostgresMigration(
        number: 3, name: "archive",
        sql: #"""
            ALTER TABLE tasks
                -- The task as it was accepted: a TaskSpec of the state's schema.
                ADD COLUMN spec bytea,
                ADD COLUMN created_revision bigint CHECK (created_revision > 0);
            """#)
}
