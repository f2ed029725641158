import ArgumentParser
import FoundationEssentials

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// How a command finds its cluster and prints its answer.
struct ClientOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Where the cluster is; several are separated by commas (default: $AMAS_URL, then $AMAS_NODES).")
    var url: String?

    @Option(name: .long, help: "A file with the API key (default: $AMAS_TOKEN).")
    var tokenFile: String?

    @Option(name: .long, help: "Seconds to wait for an answer.")
    var timeout: Int = 30

    @Option(name: [.customShort("o"), .long], help: "How to print: table or json.")
    var output: OutputFormat = .table

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout is from 1 to 3600 seconds") }
    }

    func client() throws(CommandFailure) -> ClusterClient {
        let environment = ProcessInfo.processInfo.environment
        let lists = [url, environment["AMAS_URL"], environment["AMAS_NODES"]].compactMap(\.self)
        let list = lists.first { !$0.isEmpty } ?? ""
        var token = environment["AMAS_TOKEN"]
        if let tokenFile {
            guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
                throw CommandFailure(code: .usage, message: "cannot read the key in \(tokenFile)")
            }
            token = text.trimmed
        }
        return try ClusterClient(
            urls: list.split(separator: ",").map { String($0) }, token: token, timeout: .seconds(timeout))
    }
}

extension String {
    /// As one segment of a path or one value of a query: everything but RFC 3986's unreserved characters escaped.
    var percentEncoded: String {
        let digits = Array("0123456789ABCDEF")
        return utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.append(Character(UnicodeScalar(byte)))
            default: text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    /// Without white space at either end, as secrets in files have it.
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
