import Postgres

extension StorageSchema {
    /// Tasks and their executions as the projector writes them.
    ///
    /// - What comes from clients and agents is `json`, kept byte for byte: the same revision must read the same from
    ///   PostgreSQL as from the state, and `jsonb` refuses documents that are sound (`\u0000`, numbers out of range).
    /// - Integers are the truth (millionths, milliseconds, micro-dollars); decimals beside them are derived from them.
    /// - Text that is compared is in collation "C": bytes, as everywhere in AMAS.
    static let tasks = PostgresMigration(
        number: 2, name: "tasks",
        sql: #"""
            CREATE TABLE tasks (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                tenant text COLLATE "C" NOT NULL,
                task_id text COLLATE "C" NOT NULL,
                revision bigint NOT NULL CHECK (revision > 0),
                title text NOT NULL,
                description text NOT NULL,
                task_type text COLLATE "C" NOT NULL,
                target text,
                parameters json,
                priority smallint NOT NULL CHECK (priority BETWEEN 1 AND 10),
                status text COLLATE "C" NOT NULL CHECK (status IN ('pending', 'assigned', 'executing',
                    'waiting_approval', 'cancelling', 'completed', 'failed', 'cancelled')),
                strategy text COLLATE "C" NOT NULL CHECK (strategy IN ('auto', 'parallel', 'sequential', 'plan')),
                plan json NOT NULL,
                depends_on text[] NOT NULL,
                assigned_agents text[] NOT NULL,
                result json,
                output text,
                summary text,
                quality_ppm integer CHECK (quality_ppm BETWEEN 0 AND 1000000),
                quality_score numeric(7, 6) GENERATED ALWAYS AS (quality_ppm / 1000000.0) STORED,
                success_ppm integer CHECK (success_ppm BETWEEN 0 AND 1000000),
                success_rate numeric(7, 6) GENERATED ALWAYS AS (success_ppm / 1000000.0) STORED,
                duration_milliseconds bigint CHECK (duration_milliseconds >= 0),
                duration_seconds numeric(20, 3) GENERATED ALWAYS AS (duration_milliseconds / 1000.0) STORED,
                execution_metadata jsonb NOT NULL,
                error_details jsonb,
                created_at timestamptz NOT NULL,
                updated_at timestamptz NOT NULL,
                started_at timestamptz,
                completed_at timestamptz,
                created_by text COLLATE "C" NOT NULL,
                -- The words of title and description as AMAS splits them.
                search tsvector NOT NULL,
                -- Bytes of the JSON of the task and its executions: how much of a page it takes.
                content_bytes bigint NOT NULL CHECK (content_bytes >= 0),
                CONSTRAINT tasks_task_id UNIQUE (tenant, task_id),
                CONSTRAINT tasks_quality_score CHECK (quality_score BETWEEN 0 AND 1),
                CONSTRAINT tasks_success_rate CHECK (success_rate BETWEEN 0 AND 1)
            );
            -- The order of lists, then each filter in that order.
            CREATE INDEX tasks_created_at ON tasks (tenant, created_at DESC, task_id);
            CREATE INDEX tasks_status ON tasks (tenant, status, created_at DESC, task_id);
            CREATE INDEX tasks_task_type ON tasks (tenant, task_type, created_at DESC, task_id);
            CREATE INDEX tasks_priority ON tasks (tenant, priority, created_at DESC, task_id);
            CREATE INDEX tasks_created_by ON tasks (tenant, created_by, created_at DESC, task_id);
            CREATE INDEX tasks_completed_at ON tasks (tenant, completed_at DESC) WHERE completed_at IS NOT NULL;
            -- Without a list of pending entries, which each search would have to read through.
            CREATE INDEX tasks_assigned_agents ON tasks USING gin (assigned_agents) WITH (fastupdate = off);
            CREATE INDEX tasks_search ON tasks USING gin (search) WITH (fastupdate = off);

            CREATE TABLE task_executions (
                tenant text COLLATE "C" NOT NULL,
                task_id text COLLATE "C" NOT NULL,
                step integer NOT NULL CHECK (step >= 0),
                attempt bigint NOT NULL CHECK (attempt > 0),
                revision bigint NOT NULL CHECK (revision > 0),
                step_id text COLLATE "C" NOT NULL,
                agent text COLLATE "C" NOT NULL,
                status text COLLATE "C" NOT NULL
                    CHECK (status IN ('running', 'completed', 'failed', 'skipped', 'interrupted')),
                epoch bigint,
                node text,
                result json,
                summary text,
                provider text COLLATE "C",
                model text COLLATE "C",
                input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
                output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
                cost_micro_usd bigint NOT NULL CHECK (cost_micro_usd >= 0),
                cost_usd numeric(20, 6) GENERATED ALWAYS AS (cost_micro_usd / 1000000.0) STORED,
                started_at timestamptz,
                completed_at timestamptz,
                duration_milliseconds bigint NOT NULL CHECK (duration_milliseconds >= 0),
                duration_seconds numeric(20, 3) GENERATED ALWAYS AS (duration_milliseconds / 1000.0) STORED,
                quality_ppm integer CHECK (quality_ppm BETWEEN 0 AND 1000000),
                quality_score numeric(7, 6) GENERATED ALWAYS AS (quality_ppm / 1000000.0) STORED,
                error_details jsonb,
                PRIMARY KEY (tenant, task_id, step, attempt),
                FOREIGN KEY (tenant, task_id) REFERENCES tasks (tenant, task_id) ON DELETE CASCADE
            );
            CREATE INDEX task_executions_agent ON task_executions (tenant, agent, completed_at DESC);

            -- A field of a document as text; null where PostgreSQL's text cannot hold it.
            CREATE FUNCTION json_text(document json, field text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
            BEGIN
                RETURN document ->> field;
            EXCEPTION WHEN data_exception THEN
                RETURN NULL;
            END $$;
            """#)
}
