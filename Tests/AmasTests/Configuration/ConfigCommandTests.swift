import Foundation
import Testing

@Suite("amas config")
struct ConfigCommandTests {
    @Test("a good configuration is printed and is exit code 0; secrets are not in it")
    func good() async throws {
        let nodes = try await TestNodes(
            1,
            settings: """
                providers:
                  - id: local
                    dialect: openai
                    base_url: "http://127.0.0.1:1/v1"
                    model: m
                    tier: 1
                    api_key_env: MY_MODEL_KEY
                """)
        let outcome = try await Binary.run(
            ["config", "check", "--config", nodes.file(1)],
            environment: ["AMAS_POSTGRES_URL": "postgresql://u:hunter2@h/db", "MY_MODEL_KEY": "sesame-7"])
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output.contains("id: test-cluster"))
        #expect(!outcome.output.contains("hunter2") && !outcome.output.contains("sesame-7"))
        #expect(!outcome.output.contains(TestNodes.key))
        #expect(outcome.error.isEmpty)
    }

    @Test("mistakes go to the standard error, and are exit code 2")
    func bad() async throws {
        let nodes = try await TestNodes(1)
        let outcome = try await Binary.run(
            ["config", "check", "--config", nodes.file(1), "--set", "executor.slots=many", "--set", "log.level=loud"],
            environment: ["AMAS_HTTP_LISTEN": "nowhere"])
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.error.contains("the configuration has 3 problems:"))
        for part in ["http.listen (AMAS_HTTP_LISTEN)", "executor.slots (--set)", "log.level (--set)"] {
            #expect(outcome.error.contains(part), "\(part)")
        }
    }

    @Test("a file that cannot be read is one sentence")
    func noFile() async throws {
        let outcome = try await Binary.run("config", "check", "--config", "/no/such/file")
        #expect(outcome.code == 2)
        #expect(outcome.error == "error: cannot read /no/such/file\n")
    }

    @Test("a mistake never prints the value of a secret")
    func secretInMistake() async throws {
        let nodes = try await TestNodes(1)
        let outcome = try await Binary.run(
            ["config", "check", "--config", nodes.file(1)],
            environment: ["AMAS_POSTGRES_URL": "postgresql://u:hunter2@h:no-port/db"])
        #expect(!outcome.error.contains("hunter2") && !outcome.output.contains("hunter2"))
    }

    @Test("every setting is listed with its name in the environment")
    func settings() async throws {
        let outcome = try await Binary.run("config", "settings")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("AMAS_CLUSTER_DATA_FOLDER"))
        #expect(outcome.output.contains("http.balancer_milliseconds"))
    }
}
