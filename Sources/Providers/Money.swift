/// An amount in millionths of a US dollar. Whole numbers, so that sums are exact and equal on every node.
public struct MicroUSD: Sendable, Hashable, Comparable, AdditiveArithmetic, CustomStringConvertible {
    public let amount: Int64

    public init(_ amount: Int64) { self.amount = amount }

    public static let zero = MicroUSD(0)
    public static func < (left: MicroUSD, right: MicroUSD) -> Bool { left.amount < right.amount }

    /// Saturates instead of trapping: amounts come from what providers report.
    public static func + (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        let (sum, overflow) = left.amount.addingReportingOverflow(right.amount)
        return MicroUSD(overflow ? (left.amount < 0 ? .min : .max) : sum)
    }

    public static func - (left: MicroUSD, right: MicroUSD) -> MicroUSD {
        let (difference, overflow) = left.amount.subtractingReportingOverflow(right.amount)
        return MicroUSD(overflow ? (left.amount < 0 ? .min : .max) : difference)
    }

    /// For display; sums are made of ``amount``.
    public var dollars: Double { Double(amount) / 1_000_000 }

    public var description: String { "\(amount) µUSD" }
}

/// Tokens of one call, as the provider counts them.
public struct TokenUsage: Sendable, Hashable {
    public var input: Int
    public var output: Int
    /// Of the input, those served from the provider's cache, where it says.
    public var cachedInput: Int?
    /// Of the output, those spent on reasoning, where it says.
    public var reasoning: Int?

    /// Negative counts, which no provider should send, become zero.
    public init(input: Int, output: Int, cachedInput: Int? = nil, reasoning: Int? = nil) {
        self.input = max(0, input)
        self.output = max(0, output)
        self.cachedInput = cachedInput.map { max(0, $0) }
        self.reasoning = reasoning.map { max(0, $0) }
    }

    /// Saturates.
    public static func + (left: TokenUsage, right: TokenUsage) -> TokenUsage {
        TokenUsage(
            input: add(left.input, right.input), output: add(left.output, right.output),
            cachedInput: add(left.cachedInput, right.cachedInput), reasoning: add(left.reasoning, right.reasoning))
    }

    private static func add(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    private static func add(_ left: Int?, _ right: Int?) -> Int? {
        left == nil && right == nil ? nil : add(left ?? 0, right ?? 0)
    }
}

/// What a provider charges.
public struct ProviderPrice: Sendable, Hashable {
    public var inputPerMillionTokens: MicroUSD
    public var outputPerMillionTokens: MicroUSD

    public init(inputPerMillionTokens: MicroUSD, outputPerMillionTokens: MicroUSD) {
        self.inputPerMillionTokens = inputPerMillionTokens
        self.outputPerMillionTokens = outputPerMillionTokens
    }

    public static let free = ProviderPrice(inputPerMillionTokens: .zero, outputPerMillionTokens: .zero)

    /// Rounded half up to a whole micro-dollar, once, after the sum. Cached tokens cost as much as others, so it is
    /// never less than what the provider bills for them.
    public func cost(of usage: TokenUsage) -> MicroUSD {
        let total =
            Int128(usage.input) * Int128(inputPerMillionTokens.amount) + Int128(usage.output)
            * Int128(outputPerMillionTokens.amount)
        return MicroUSD(Int64(clamping: (total + 500_000) / 1_000_000))
    }
}
