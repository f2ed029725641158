import TestSupport
import Testing

@testable import Postgres

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "no description, dump or interpolation shows the password",
        arguments: [
            "postgresql://amas:hunter2@db.example/amas?connect_timeout=7",
            "host=db.example password=hunter2 dbname=amas",
        ])
    func masked(text: String) throws {
        let configuration = try PostgresConfiguration(connectionString: text)
        var dumped = ""
        dump(configuration, to: &dumped)
        for shown in ["\(configuration)", String(reflecting: configuration), "\([configuration])", dumped] {
            #expect(!shown.contains("hunter2"))
            #expect(shown.contains("password=********"))
        }
        #expect(configuration.option("password") == nil)
        #expect(configuration.option("host") == "db.example")
        #expect(configuration.option("dbname") == "amas")
    }

    @Test("what the string leaves open is filled in, what it states is kept")
    func defaults() throws {
        let plain = try PostgresConfiguration(connectionString: "host=db")
        #expect(plain.option("connect_timeout") == "3")
        #expect(plain.option("tcp_user_timeout") == "5000")
        #expect(plain.option("keepalives") == "1")
        #expect(plain.option("application_name") == "amas")
        let own = try PostgresConfiguration(connectionString: "host=db connect_timeout=9 application_name=x")
        #expect(own.option("connect_timeout") == "9")
        #expect(own.option("application_name") == "x")
    }

    @Test(
        "what is not a connection string is refused without quoting it",
        arguments: ["host", "postgresql://u:hunter2@[bad", "nonsense=1 password=hunter2", "host=a\0b"])
    func invalid(text: String) {
        do throws(PostgresError) {
            _ = try PostgresConfiguration(connectionString: text)
            Issue.record("accepted")
        } catch {
            #expect(error == .invalidConnectionString)
            #expect(!"\(error)".contains("hunter2"))
        }
    }

    @Test("a refused password shows in no log and no error, also where PostgreSQL's words hold it")
    func wrongPassword() async throws {
        let server = try await PostgresServer.shared()
        let recorder = Recorder()
        // The password is also the role's name, so the server's own message quotes it.
        let configuration = try PostgresConfiguration(
            connectionString: "host=127.0.0.1 port=\(server.port) user=hunter2 password=hunter2 connect_timeout=20",
            limits: .patient)
        let pool = PostgresPool(
            configuration: configuration, connections: 1, logger: recorder.logger, observer: recorder)
        let error = try await postgresError { _ = try await pool.query("SELECT 1") }
        await pool.close()
        guard case .unavailable(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("password authentication failed"))
        #expect(!reason.contains("hunter2"))
        #expect(recorder.lines.all.contains { $0.contains("PostgreSQL refused") })
        #expect(!recorder.lines.all.contains { $0.contains("hunter2") })
    }
}
