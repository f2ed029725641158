import Egress
import FoundationEssentials

/// The error body of a provider, in any of the shapes that they use:
/// `{"error":{"message","type","code"}}`, `{"error":"…"}`, `{"message":"…"}`, `{"detail":"…"}`, `{"detail":[…]}`,
/// `{"title","detail"}`, or no JSON at all.
struct VendorError {
    /// Cut, on one line, without the key.
    let message: String
    /// `error.code`, `error.type` and their like, lower case.
    private let codes: [String]

    init(_ body: [UInt8], key: Secret?, limits: ProviderLimits) {
        let json = try? JSONDecoder().decode(JSONValue.self, from: Data(body))
        let error = json?["error"]
        let found =
            error?["message"]?.text ?? error?.text ?? json?["message"]?.text ?? json?["detail"]?.text ?? json?["title"]?
            .text
            ?? String(decoding: body.prefix(limits.errorDetailCharacters), as: UTF8.self)
        message = VendorError.presentable(found, key: key, limits: limits)
        codes = [error?["code"], error?["type"], json?["code"], json?["type"]].compactMap { $0?.text?.lowercased() }
    }

    /// For an error that arrives inside a response with status 200.
    init(inBand error: JSONValue, limits: ProviderLimits) {
        message = VendorError.presentable(
            error["message"]?.text ?? error.text ?? "an error without a message", key: nil, limits: limits)
        codes = [error["code"], error["type"]].compactMap { $0?.text?.lowercased() }
    }

    /// A 429 that no waiting cures.
    var meansExhaustedAccount: Bool {
        !codes.allSatisfy {
            !["insufficient_quota", "exceeded_current_quota_error", "billing_error", "1113"].contains($0)
        }
    }

    private static func presentable(_ text: String, key: Secret?, limits: ProviderLimits) -> String {
        let masked = key?.masked(in: text) ?? text
        let line = String(masked.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
        return line.count <= limits.errorDetailCharacters ? line : line.prefix(limits.errorDetailCharacters) + "…"
    }
}
