@testable import Raft

/// The index of a read covers everything that any node had committed, and so may have acknowledged, before the read began.
struct ReadIsLinearizable {
    private var floors: [ReadToken: Int] = [:]

    mutating func begins(_ token: ReadToken, committed: Int) {
        floors[token] = committed
    }

    mutating func check(_ step: ObservedStep, committed: Int) throws {
        for case .readReady(let token, let index) in step.effects {
            guard let floor = floors.removeValue(forKey: token) else {
                throw step.violation(
                    of: "ReadIsLinearizable", "read \(token.rawValue) is answered twice or was never asked")
            }
            guard index.rawValue >= UInt64(floor) else {
                throw step.violation(of: "ReadIsLinearizable", "reads at \(index) though \(floor) was committed before")
            }
            guard index.rawValue <= UInt64(committed) else {
                throw step.violation(of: "ReadIsLinearizable", "reads at \(index), which is not committed")
            }
        }
    }
}
