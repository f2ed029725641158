import HTTPTypes
import Orchestration
import Raft
import Telemetry

extension Handlers {
    /// `GET /metrics`, `GET /api/v1/system/metrics`
    func readMetrics(_ call: Call) async throws(Problem) -> Answer {
        let format = ExpositionFormat.negotiate(accept: call.header(.accept))
        return .text(registry.exposition(format), type: format.contentType)
    }

    /// `GET /problems/{code}`: what a problem's `type` leads to.
    func readProblem(_ call: Call) async throws(Problem) -> Answer {
        guard let code = ProblemCode(rawValue: call.parameters[0]) else { throw Problem(.notFound, "no such problem") }
        return .json { json in
            json.field("type", "/problems/\(code.rawValue)")
            json.field("title", code.title)
            json.field("status", code.status)
            json.field("retry_after_seconds", code.retryAfterSeconds)
        }
    }

    /// `GET /api/v1/ws` without an upgrade, or with one that was refused.
    func explainSocket(_ call: Call) async throws(Problem) -> Answer {
        throw sockets.refusal(call.head)
    }

    /// `GET /`: for a person with a browser.
    func frontPage(_ call: Call) async throws(Problem) -> Answer {
        let status = cluster.status
        let isReady = status?.unreadyReason == nil && status != nil && !condition.isLeaving
        let leader = status?.standing.leader.map(cluster.name(of:)) ?? "none"
        var answer = Answer.text(
            """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>AMAS</title>
            <meta name="viewport" content="width=device-width">
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}
            dt{font-weight:600}</style></head><body>
            <h1>AMAS</h1>
            <p>A cluster that takes tasks, has agents do them, and loses none.</p>
            <dl><dt>Node</dt><dd>\(Self.escaped(status?.name ?? "starting"))</dd>
            <dt>State</dt><dd>\(isReady ? "ready" : Self.escaped(status?.unreadyReason ?? "not ready"))</dd>
            <dt>Leader</dt><dd>\(Self.escaped(leader))</dd>
            <dt>Version</dt><dd>\(Self.escaped(version))</dd></dl>
            <ul><li><a href="/api/v1/health">Health of every component</a></li>
            <li><a href="/openapi.json">The API as OpenAPI 3.1</a> (needs a key)</li>
            <li><a href="/metrics">Metrics</a> (needs a key)</li>
            <li>How to use it: README.md</li></ul>
            </body></html>
            """, type: "text/html; charset=utf-8")
        answer.headers[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'"
        return answer
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
