import Testing

@testable import Postgres

@Suite("Values")
struct ValueTests {
    @Test("every type comes back as it was sent")
    func roundTrips() async throws {
        try await withPool { pool in
            func check<Value: PostgresEncodable & PostgresDecodable & Equatable & Sendable>(
                _ value: Value, _ type: String
            ) async throws {
                let rows = try await pool.query("SELECT $1::\(type) AS value", [PostgresValue(value)])
                #expect(try rows[0].decode("value", as: Value.self) == value, "\(type)")
            }
            for number in [Int64.min, -1, 0, 1, .max] { try await check(number, "int8") }
            for number in [-2.5, 0, .infinity, 1.0e-300, Double.pi] { try await check(number, "float8") }
            for flag in [true, false] { try await check(flag, "bool") }
            for text in ["", "plain", "quote ' and \\ and \" and $1", "äöü 日本 🙂", "a\nb"] {
                try await check(text, "text")
            }
            for bytes in [[], [0], [0, 255, 39, 92], Array(0...255)] as [[UInt8]] { try await check(bytes, "bytea") }
            for micros in [-62_135_596_800_000_000, -1, 0, 946_684_800_000_000, 1_700_000_000_123_456] as [Int64] {
                try await check(PostgresTimestamp(microsecondsSinceUnixEpoch: micros), "timestamptz")
            }
            for texts in [[], [""], ["a", "{b}", "c,d", "NULL", "\"e\""]] as [[String]] {
                try await check(texts, "text[]")
            }
            for numbers in [[], [Int64.min, 0, .max]] as [[Int64]] { try await check(numbers, "int8[]") }
            try await check(String?.none, "text")
            try await check(Int64?.some(7), "int8")
            try await check([String]?.none, "text[]")
        }
    }

    @Test("JSON keeps its text as json and its meaning as jsonb")
    func json() async throws {
        try await withPool { pool in
            let text = #"{"b": [1, null],  "a": "ä"}"#
            let row = try await pool.query("SELECT $1 AS j, $2 AS b", [.json(text), .jsonb(text)])[0]
            #expect(try row.decode("j", as: String.self) == text)
            #expect(try row.decode("b", as: String.self) == #"{"a": "ä", "b": [1, null]}"#)
        }
    }

    @Test("a timestamp is the instant that PostgreSQL understands by it")
    func timestampMeaning() async throws {
        try await withPool { pool in
            let time = PostgresTimestamp(microsecondsSinceUnixEpoch: 951_782_399_999_999)
            let rows = try await pool.query(
                "SELECT to_char($1 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", [.timestamptz(time)])
            #expect(try rows[0].decode(at: 0, as: String.self) == "2000-02-28 23:59:59.999999")
        }
    }

    @Test("text serves columns of other types, as a literal in SQL does")
    func inferredTypes() async throws {
        try await withPool { pool in
            let row = try await pool.query(
                "SELECT $1::uuid AS u, ($2::date)::text AS d, ($3::numeric * 2)::text AS n, $4::int AS i",
                ["6f1c2f0e-8f4b-4d0a-9a55-0123456789ab", "2024-02-29", "1.25", .text("5")])[0]
            #expect(try row.decode("u", as: String.self) == "6f1c2f0e-8f4b-4d0a-9a55-0123456789ab")
            #expect(try row.decode("d", as: String.self) == "2024-02-29")
            #expect(try row.decode("n", as: String.self) == "2.50")
            #expect(try row.decode("i", as: Int.self) == 5)
        }
    }

    @Test("small integers, real, enums and names are read by the wider Swift type")
    func widening() async throws {
        let type = uniqueName("mood")
        try await withPool { pool in
            _ = try await pool.query("CREATE TYPE \(type) AS ENUM ('calm', 'keen')")
            let row = try await pool.query(
                """
                SELECT 7::int2 AS a, -8::int4 AS b, 9::oid AS c, 0.5::float4 AS d, 'keen'::\(type) AS e,
                       'n'::name AS f, ARRAY[1,2]::int4[] AS g, ARRAY['x']::varchar[] AS h, 'p '::char(3) AS i
                """)[0]
            #expect(try row.decode("a", as: Int64.self) == 7)
            #expect(try row.decode("b", as: Int.self) == -8)
            #expect(try row.decode("c", as: Int.self) == 9)
            #expect(try row.decode("d", as: Double.self) == 0.5)
            #expect(try row.decode("e", as: String.self) == "keen")
            #expect(try row.decode("f", as: String.self) == "n")
            #expect(try row.decode("g", as: [Int64].self) == [1, 2])
            #expect(try row.decode("h", as: [String].self) == ["x"])
            #expect(try row.decode("i", as: String.self) == "p  ")
        }
    }

    @Test("a column that does not hold what is asked for says so, with its name")
    func decodingErrors() async throws {
        try await withPool { pool in
            let row = try await pool.query(
                """
                SELECT 1::int8 AS one, NULL::text AS nothing, 1.5::numeric AS many, 'infinity'::timestamptz AS late,
                       ARRAY['a', NULL] AS holes, ARRAY[ARRAY['a']] AS nested
                """)[0]
            func failure<Value: PostgresDecodable>(_ name: String, _: Value.Type) -> PostgresError? {
                do throws(PostgresError) {
                    _ = try row.decode(name, as: Value.self)
                    return nil
                } catch {
                    return error
                }
            }
            #expect(failure("one", String.self) == .undecodable(column: "one", .typeMismatch(postgresType: 20)))
            #expect(failure("nothing", String.self) == .undecodable(column: "nothing", .null))
            #expect(failure("many", Double.self) == .undecodable(column: "many", .typeMismatch(postgresType: 1700)))
            #expect(failure("late", PostgresTimestamp.self) == .undecodable(column: "late", .outOfRange))
            #expect(failure("holes", [String].self) == .undecodable(column: "holes", .null))
            #expect(failure("nested", [String].self) == .undecodable(column: "nested", .malformed))
            #expect(failure("absent", Int.self) == .undecodable(column: "absent", .noSuchColumn))
        }
    }

    @Test("what PostgreSQL cannot hold is refused before it is sent, and names its statement")
    func unencodable() async throws {
        try await withPool { pool in
            let bad: [PostgresValue] = [
                .text("a\0b"), .json("\0"), .jsonb("\0"), .textArray(["a", "\0"]),
                .timestamptz(PostgresTimestamp(microsecondsSinceUnixEpoch: .min)),
            ]
            for value in bad {
                let error = try await postgresError {
                    _ = try await pool.pipeline([
                        PostgresStatement("SELECT 1"), PostgresStatement("SELECT $1", [value]),
                    ])
                }
                #expect(error == .unencodable(statementIndex: 1))
            }
            let error = try await postgresError { _ = try await pool.query("SELECT 1 \0 DROP") }
            #expect(error == .unencodable(statementIndex: 0))
        }
    }

    @Test("bytes from outside never trap the reader")
    func fuzz() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Plausible array headers reach deeper than noise does.
            if Bool.random(using: &random), bytes.count > 16 { bytes.replaceSubrange(0..<4, with: [0, 0, 0, 1]) }
            let outcome = bytes.withUnsafeBytes { raw -> Int in
                var reader = BinaryReader(raw)
                do throws(PostgresDecodingFailure) {
                    return try reader.array { (_, length, reader) throws(PostgresDecodingFailure) in
                        try reader.text(length)
                    }.count
                } catch {
                    return -1
                }
            }
            #expect(outcome <= 10, "seed \(seed)")
        }
    }
}

/// A small seeded source of randomness, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
