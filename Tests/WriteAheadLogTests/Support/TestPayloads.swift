import Testing

@testable import WriteAheadLog

/// Payloads by number: the name and the bytes follow from it, and no two are alike.
enum TestPayload {
    static func id(_ number: Int) -> PayloadID {
        var bytes = [UInt8](repeating: 0, count: 32)
        for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: number >> (56 - 8 * place)) }
        guard let id = PayloadID(bytes: bytes) else { preconditionFailure("32 bytes") }
        return id
    }

    static func bytes(_ number: Int, count: Int = 100) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0 &* 7) }
    }

    static func references(_ numbers: some Sequence<Int>, count: Int = 100) -> [NeededPayload] {
        numbers.sorted().map { NeededPayload(id: id($0), length: count) }
    }
}

extension PayloadStore {
    func put(_ numbers: some Sequence<Int>, count: Int = 100) {
        for number in numbers { put(TestPayload.id(number), TestPayload.bytes(number, count: count)) }
    }

    /// As a snapshot does that is taken and written now.
    @discardableResult
    func snapshot(
        _ numbers: some Sequence<Int>, count: Int = 100, index: UInt64 = 1
    ) throws -> PayloadManifest {
        let mark = mark()
        let manifest = try save(TestPayload.references(numbers, count: count), takenAt: mark)
        collect(keeping: manifest, of: index)
        return manifest
    }

    func has(_ number: Int, count: Int = 100) -> Bool {
        (try? read(TestPayload.id(number))) == TestPayload.bytes(number, count: count)
    }

    static func small(_ change: (inout Limits) -> Void) -> Limits {
        var limits = Limits()
        change(&limits)
        return limits
    }
}
