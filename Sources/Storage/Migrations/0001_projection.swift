import Postgres

extension StorageSchema {
    /// The row that says whose database this is and how far it has come, and the one way to lock it.
    ///
    /// The checks raise errors instead of returning an answer, so that locking, writing and advancing are one round trip
    /// and no client ever holds the lock while it thinks. The codes are those of `ProjectionRefusal`.
    static let projection = PostgresMigration(
        number: 1, name: "projection",
        sql: #"""
            CREATE TABLE projection (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                cluster_id text COLLATE "C" NOT NULL CHECK (cluster_id <> ''),
                -- The newest generation of the cluster that has locked this row.
                generation integer NOT NULL CHECK (generation BETWEEN 0 AND 32767),
                -- Every change up to here has been written, or is superseded by a later one. Generation * 2^48 + log index.
                revision bigint NOT NULL DEFAULT 0 CHECK (revision >= 0),
                index bigint GENERATED ALWAYS AS (revision & 281474976710655) STORED,
                updated_at timestamptz NOT NULL DEFAULT now()
            );

            CREATE FUNCTION projection_lock(own_cluster text, own_generation integer, expected bigint)
            RETURNS bigint LANGUAGE plpgsql AS $$
            DECLARE
                found projection%ROWTYPE;
            BEGIN
                INSERT INTO projection (cluster_id, generation) VALUES (own_cluster, own_generation)
                    ON CONFLICT DO NOTHING;
                SELECT * INTO STRICT found FROM projection FOR UPDATE;
                IF found.cluster_id <> own_cluster THEN
                    RAISE EXCEPTION USING ERRCODE = 'AM001', MESSAGE = found.cluster_id;
                ELSIF found.generation > own_generation THEN
                    RAISE EXCEPTION USING ERRCODE = 'AM002', MESSAGE = found.generation;
                ELSIF found.revision > expected THEN
                    RAISE EXCEPTION USING ERRCODE = 'AM003', MESSAGE = found.revision;
                ELSIF found.revision < expected THEN
                    RAISE EXCEPTION USING ERRCODE = 'AM004', MESSAGE = found.revision;
                ELSIF found.generation < own_generation THEN
                    UPDATE projection SET generation = own_generation;
                END IF;
                RETURN found.revision;
            END $$;
            """#)
}
