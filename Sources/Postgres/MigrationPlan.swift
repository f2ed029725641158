/// Compares the migrations of this binary with those of a database, and finds what is left to apply.
struct MigrationPlan: Equatable {
    /// A row of `schema_migrations`.
    struct Applied: Equatable {
        var number: Int
        var checksum: String
    }

    /// What to apply, in order.
    let pending: [PostgresMigration]

    /// Refuses a set whose numbers do not run 1, 2, 3, …
    static func ordered(_ migrations: [PostgresMigration]) throws(PostgresMigrationError) -> [PostgresMigration] {
        let ordered = migrations.sorted { $0.number < $1.number }
        for (index, migration) in ordered.enumerated() where migration.number != index + 1 {
            throw .gap(expected: index + 1, found: migration.number)
        }
        return ordered
    }

    /// - Parameters:
    ///   - known: in order, without gaps.
    ///   - checksums: one for each of `known`.
    ///   - applied: in order of their numbers.
    init(
        known: [PostgresMigration], checksums: [String], applied: [Applied]
    ) throws(PostgresMigrationError) {
        precondition(known.count == checksums.count, "each migration has a checksum")
        for (index, row) in applied.enumerated() {
            guard row.number == index + 1 else { throw .gapInDatabase(missing: index + 1) }
            guard index < known.count else { throw .unknownVersion(applied[applied.count - 1].number) }
            guard row.checksum == checksums[index] else {
                throw .changed(number: row.number, name: known[index].name)
            }
        }
        pending = Array(known.dropFirst(applied.count))
    }
}
