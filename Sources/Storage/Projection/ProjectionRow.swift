import ClusterState
import Postgres

/// The one row of `projection`.
enum ProjectionRow {
    /// Locks it until the transaction ends and gives the watermark, or raises a `ProjectionRefusal`.
    static let lock = "SELECT projection_lock($1, $2::integer, $3::bigint) AS revision"

    /// - Parameter expected: the watermark that it must have; any if nil.
    static func lockValues(_ cluster: ClusterIdentity, expected: Revision?) -> [PostgresValue] {
        [.text(cluster.clusterID), .int8(Int64(cluster.generation)), expected.map { .int8($0.stored) } ?? .null]
    }

    /// Never moves it back.
    static let advance = """
        UPDATE projection SET revision = greatest(revision, $1), updated_at = now() RETURNING revision
        """

    /// Whose database it is: no row while nobody has written.
    static let identity = "SELECT cluster_id, generation FROM projection"

    /// Where the projection stands, in a snapshot: no row while nobody has written.
    static let watermark = "SELECT revision FROM projection"

    static func revision(_ rows: PostgresRows) throws(PostgresError) -> Revision {
        guard let row = rows.first else { throw .undecodable(column: "revision", .noSuchColumn) }
        return Revision(rawValue: UInt64(bitPattern: try row.decode("revision", as: Int64.self)))
    }

    /// Refuses to read what is not ours.
    static func check(_ rows: PostgresRows, _ cluster: ClusterIdentity) throws(StorageError) {
        guard let row = rows.first else { return }
        let (clusterID, generation): (String, Int)
        do throws(PostgresError) {
            (clusterID, generation) = (try row.decode("cluster_id"), try row.decode("generation"))
        } catch {
            throw StorageError(error)
        }
        guard clusterID == cluster.clusterID else { throw .foreignDatabase(clusterID: clusterID) }
        guard generation <= Int(cluster.generation) else { throw .newerGeneration(UInt16(clamping: generation)) }
    }
}

extension Revision {
    /// As `bigint`. The schema ends at generation 32,767, which is beyond any operator's patience.
    var stored: Int64 { Int64(clamping: rawValue) }
}
