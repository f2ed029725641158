import FoundationEssentials
import Glibc

extension Etcd {
    /// Puts by clients with one request outstanding each, over gRPC, by nghttp2's load generator.
    /// - Throws: if not every answer is a put that etcd counts.
    func measure(clients: Int, seconds: Int) async throws -> Measurement {
        let leader = try await leader()
        let before = await status(of: leader)?.revision ?? 0
        let log = "\(members.folder)/h2load.log"
        unlink(log)
        let usage = Report.childrenProcessorSeconds
        let output = try await h2load(
            leader, "-m1 -c\(clients) -D\(seconds) --warm-up-time=2 --log-file='\(log)'")
        let share = (Report.childrenProcessorSeconds - usage) / Double(seconds + 2)
        // Columns: begin in microseconds since 1970, status, microseconds until the answer.
        let latencies = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").compactMap { line in
            let columns = line.split(separator: "\t")
            return columns.count == 3 && columns[1] == "200" ? Double(columns[2]).map { $0 / 1000 } : nil
        }
        let puts = (await status(of: leader)?.revision ?? 0) - before
        guard latencies.count >= clients, puts >= latencies.count else {
            throw BenchmarkFailure(
                description: "\(latencies.count) answers and \(puts) puts from \(name): \(output.suffix(400))")
        }
        return Measurement(
            perSecond: Double(latencies.count) / Double(seconds), latencies: latencies.sorted(), generatorShare: share)
    }

    /// Returns once so many more puts are committed, by few connections with many requests each: that is quickest.
    func commit(_ puts: Int, by leader: Int, clients: Int) async throws {
        let connections = 8
        let output = try await h2load(
            leader, "-c\(connections) -m\(clients / connections) -n\(puts)")
        guard output.contains("\(puts) succeeded") else {
            throw BenchmarkFailure(description: "not all puts to \(name) succeeded: \(output.suffix(400))")
        }
    }

    private func h2load(_ leader: Int, _ options: String) async throws -> String {
        try await Shell.run(
            """
            h2load -t1 \(options) -d '\(try requestFile())' -H 'content-type: application/grpc' -H 'te: trailers' \
            '\(secureURL(of: leader))/etcdserverpb.KV/Put' 2>&1
            """)
    }

    /// A gRPC frame with a put of as many bytes as our commands have, under one key.
    private func requestFile() throws -> String {
        func field(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            precondition(bytes.count < 1 << 14, "a length of two bytes at most")
            let length = bytes.count
            return [tag] + (length < 128 ? [UInt8(length)] : [UInt8(length & 0x7F | 0x80), UInt8(length >> 7)]) + bytes
        }
        let message =
            field(0x0A, Array("bench".utf8)) + field(0x12, Array(repeating: 120, count: CommandFrame.commandBytes))
        let path = "\(members.folder)/put.grpc"
        let length = message.count
        try Data([0, 0, 0, UInt8(length >> 8), UInt8(length & 0xFF)] + message).write(to: URL(filePath: path))
        return path
    }
}
