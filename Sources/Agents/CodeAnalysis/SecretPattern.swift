/// A credential that gives itself away by how it begins.
struct SecretPattern: Sendable {
    var rule: Rule
    var prefix: [UInt8]
    var alphabet: Alphabet
    /// Bytes behind the prefix.
    var length: ClosedRange<Int>

    enum Alphabet: Sendable {
        case upperAndDigits, hexadecimal, letters, url, base64

        @inline(__always)
        func contains(_ byte: UInt8) -> Bool {
            switch self {
            case .upperAndDigits: byte &- 65 < 26 || Ascii.isDigit(byte)
            case .hexadecimal: Ascii.isDigit(byte) || (byte | 32) &- 97 < 6
            case .letters: Ascii.isLetter(byte) || Ascii.isDigit(byte)
            case .url: Ascii.isLetter(byte) || Ascii.isDigit(byte) || byte == 95 || byte == 45
            case .base64: Ascii.isLetter(byte) || Ascii.isDigit(byte) || byte == 43 || byte == 47 || byte == 61
            }
        }
    }

    private init(_ kind: String, _ title: String, _ prefix: String, _ alphabet: Alphabet, _ length: ClosedRange<Int>) {
        rule = Self.rule(kind, title, severity: .critical)
        self.prefix = Array(prefix.utf8)
        self.alphabet = alphabet
        self.length = length
    }

    static func rule(
        _ kind: String, _ title: String, severity: Severity, certainty: Certainty = .likely, cwe: String = "CWE-798"
    ) -> Rule {
        Rule(
            id: "secret.\(kind)", severity: severity, certainty: certainty, title: title,
            description: "A credential stands in the source, where everyone who can read it can use it, and stays in "
                + "the version history after it is removed.",
            remediation: "Revoke the credential, issue a new one, and read it from the environment or a secret store.",
            cwe: cwe)
    }

    static let all: [SecretPattern] = [
        SecretPattern("aws-access-key", "AWS access key id", "AKIA", .upperAndDigits, 16...16),
        SecretPattern("aws-access-key", "AWS access key id", "ASIA", .upperAndDigits, 16...16),
        SecretPattern("github-token", "GitHub token", "ghp_", .letters, 36...255),
        SecretPattern("github-token", "GitHub token", "gho_", .letters, 36...255),
        SecretPattern("github-token", "GitHub token", "ghu_", .letters, 36...255),
        SecretPattern("github-token", "GitHub token", "ghs_", .letters, 36...255),
        SecretPattern("github-token", "GitHub token", "ghr_", .letters, 36...255),
        SecretPattern("github-token", "GitHub token", "github_pat_", .url, 40...255),
        SecretPattern("gitlab-token", "GitLab token", "glpat-", .url, 20...255),
        SecretPattern("slack-token", "Slack token", "xoxb-", .url, 20...255),
        SecretPattern("slack-token", "Slack token", "xoxp-", .url, 20...255),
        SecretPattern("slack-token", "Slack token", "xoxa-", .url, 20...255),
        SecretPattern("slack-token", "Slack token", "xoxr-", .url, 20...255),
        SecretPattern("slack-token", "Slack token", "xapp-", .url, 20...255),
        SecretPattern("google-api-key", "Google API key", "AIza", .url, 35...35),
        SecretPattern("stripe-key", "Stripe secret key", "sk_live_", .letters, 16...255),
        SecretPattern("stripe-key", "Stripe restricted key", "rk_live_", .letters, 16...255),
        SecretPattern("anthropic-key", "Anthropic API key", "sk-ant-", .url, 32...255),
        SecretPattern("openai-key", "OpenAI API key", "sk-proj-", .url, 32...255),
        SecretPattern("openai-key", "OpenAI API key", "sk-", .letters, 40...64),
        SecretPattern("groq-key", "Groq API key", "gsk_", .letters, 40...255),
        SecretPattern("nvidia-key", "NVIDIA API key", "nvapi-", .url, 40...255),
        SecretPattern("xai-key", "xAI API key", "xai-", .letters, 40...255),
        SecretPattern("huggingface-token", "Hugging Face token", "hf_", .letters, 30...255),
        SecretPattern("npm-token", "npm token", "npm_", .letters, 36...36),
        SecretPattern("pypi-token", "PyPI token", "pypi-AgE", .url, 50...255),
        SecretPattern("sendgrid-key", "SendGrid API key", "SG.", .url, 20...64),
        SecretPattern("digitalocean-token", "DigitalOcean token", "dop_v1_", .hexadecimal, 64...64),
        SecretPattern("shopify-token", "Shopify token", "shpat_", .hexadecimal, 32...32),
        SecretPattern("azure-account-key", "Azure storage account key", "AccountKey=", .base64, 80...100),
    ]

    /// The patterns that begin with a byte.
    static let byFirstByte: [[SecretPattern]] = {
        var table = [[SecretPattern]](repeating: [], count: 256)
        for pattern in all { table[Int(pattern.prefix[0])].append(pattern) }
        return table
    }()

    /// The bytes with which some secret begins: `-` of a key, `:` of a URL, `e` of a web token, and all prefixes.
    static let beginnings: [Bool] = byFirstByte.enumerated().map { byte, patterns in
        !patterns.isEmpty || byte == 45 || byte == 58 || byte == 101
    }

    static let privateKey = rule("private-key", "Private key", severity: .critical, cwe: "CWE-321")
    static let webToken = rule("json-web-token", "JSON web token", severity: .medium)
    static let urlPassword = rule("url-password", "Password in a URL", severity: .high)
    static let assigned = rule("assigned", "Secret value in source", severity: .high, certainty: .possible)
    /// The same in a test, where it is most often made up.
    static let assignedInTest = rule("assigned", "Secret value in a test", severity: .low, certainty: .possible)
}
