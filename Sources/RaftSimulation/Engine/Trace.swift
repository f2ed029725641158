/// What happened, for a reader; nothing is formatted unless somebody reads.
public struct Trace {
    private let sink: ((String) -> Void)?

    public init(_ sink: ((String) -> Void)? = nil) {
        self.sink = sink
    }

    var isOn: Bool { sink != nil }

    func note(_ time: UInt64, _ line: @autoclosure () -> String) {
        guard let sink else { return }
        let fraction = String(time % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        sink("\(time / 1_000_000).\(zeros)\(fraction) \(line())")
    }
}
