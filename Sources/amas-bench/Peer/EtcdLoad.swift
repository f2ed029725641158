import FoundationEssentials
import Glibc

extension Etcd {
    /// Puts over gRPC by nghttp2's load generator, as many outstanding at any moment as there are clients.
    ///
    /// Each side has the shape that is quickest for it. Our clients share one TLS connection to the leader, as the clients of one
    /// of our nodes do. So do etcd's, as those of one gRPC channel do, up to 128 a connection: etcd 3.4 answers 256 puts that are
    /// outstanding on one or two connections twice as fast as on 256 of one each (measured: 10,700 and 10,400 a second against
    /// 4,900; on 4, 8 and 16 connections 8,200, 8,600 and 7,100), and 64 as fast on one as on 64 (6,700 and 6,800).
    /// - Throws: if not every answer is a put that etcd counts.
    func measure(clients: Int, seconds: Int) async throws -> Measurement {
        let leader = try await leader()
        let before = await status(of: leader)?.revision ?? 0
        let log = "\(members.folder)/h2load.log"
        unlink(log)
        let usage = Report.childrenProcessorSeconds
        let output = try await h2load(
            leader, "\(Self.shape(clients)) -D\(seconds) --warm-up-time=2 --log-file='\(log)'")
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

    /// Returns once so many more puts are committed.
    func commit(_ puts: Int, by leader: Int, clients: Int) async throws {
        let output = try await h2load(leader, "\(Self.shape(clients)) -n\(puts)")
        guard output.contains("\(puts) succeeded") else {
            throw BenchmarkFailure(description: "not all puts to \(name) succeeded: \(output.suffix(400))")
        }
    }

    /// Connections, and requests outstanding on each; on one connection etcd may allow no more than 250.
    private static func shape(_ clients: Int) -> String {
        let connections = (clients + 127) / 128
        precondition(clients % connections == 0, "as many outstanding as on our side, not about as many")
        return "-c\(connections) -m\(clients / connections)"
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
