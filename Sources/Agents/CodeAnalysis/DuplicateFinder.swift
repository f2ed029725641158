/// Finds passages that are equal token by token, comments and literals aside.
///
/// A rolling hash runs over windows of half the minimum length. Every window at a multiple of that length is remembered
/// by its hash; wherever the hash of any window is met again, the tokens themselves are compared and the match is
/// extended both ways. So every repetition of at least the minimum length is met, in time linear in the tokens.
struct DuplicateFinder {
    /// The comparable tokens of one file.
    struct Stream {
        let file: SourceFile
        /// Equal values are equal tokens; literals of one kind are all equal.
        let values: [UInt32]
        /// The position of each in `file.tokens`.
        let positions: [Int32]

        /// Leaves out comments, conditional compilation and import lines, which files rightly share.
        init(_ file: SourceFile) {
            self.file = file
            var values: [UInt32] = []
            var positions: [Int32] = []
            var importEnd = -1
            file.bytes.withUnsafeBufferPointer { bytes in
                for (position, token) in file.tokens.enumerated() {
                    if token.start < importEnd { continue }
                    switch token.kind {
                    case .comment, .directive: continue
                    case .string, .interpolation, .pattern: values.append(1)
                    case .number: values.append(2)
                    case .name, .sign:
                        if [.import, .use, .package].contains(token.symbol), Self.beginsLine(token, bytes) {
                            importEnd = Self.lineEnd(token.end, bytes)
                            continue
                        }
                        let text = UnsafeBufferPointer(rebasing: bytes[token.start..<token.end])
                        values.append(UInt32(truncatingIfNeeded: ByteHash.of(text)) | 4)
                    }
                    positions.append(Int32(position))
                }
            }
            self.values = values
            self.positions = positions
        }

        private static func beginsLine(_ token: Token, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            var before = token.start - 1
            while before >= 0, bytes[before] == Ascii.space || bytes[before] == 9 { before -= 1 }
            return before < 0 || bytes[before] == Ascii.newline
        }

        private static func lineEnd(_ start: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
            var end = start
            while end < bytes.count, bytes[end] != Ascii.newline { end += 1 }
            return end
        }
    }

    struct Duplicate {
        var original: Passage
        var copy: Passage
        var tokens: Int
    }

    struct Passage {
        var stream: Int
        /// The first and last line.
        var lines: ClosedRange<Int>
        /// The first byte.
        var offset: Int
    }

    private struct Place {
        var stream: Int32
        var token: Int32
    }

    private static let multiplier: UInt64 = 0x9e37_79b9_7f4a_7c15

    static func duplicates(
        in streams: [Stream], minimumTokens: Int, interrupt: Interrupt
    ) throws(AgentError) -> [Duplicate] {
        let window = max(8, minimumTokens / 2)
        var finder = DuplicateFinder(streams: streams, window: window, minimum: max(minimumTokens, 2 * window))
        for stream in streams.indices {
            try interrupt.check()
            finder.search(stream)
        }
        return finder.found
    }

    private let streams: [Stream]
    private let window: Int
    private let minimum: Int
    private var anchors: [UInt64: Place] = [:]
    private var found: [Duplicate] = []
    /// `multiplier` to the power of the window's length, to take the oldest token out of the hash.
    private var outgoing: UInt64 = 1

    private init(streams: [Stream], window: Int, minimum: Int) {
        self.streams = streams
        self.window = window
        self.minimum = minimum
        for _ in 0..<window { outgoing = outgoing &* Self.multiplier }
    }

    private mutating func search(_ stream: Int) {
        let values = streams[stream].values
        guard values.count >= window else { return }
        var hash: UInt64 = 0
        // Windows that begin before this one lie in a passage that was reported.
        var next = 0
        for last in values.indices {
            hash = hash &* Self.multiplier &+ UInt64(values[last])
            if last >= window { hash = hash &- outgoing &* UInt64(values[last - window]) }
            let start = last - window + 1
            guard start >= 0 else { continue }
            if start >= next, let place = anchors[hash], let match = match(place, stream, start, from: next) {
                if let duplicate = match.duplicate { found.append(duplicate) }
                next = match.end
            }
            if start.isMultiple(of: window), anchors[hash] == nil {
                anchors[hash] = Place(stream: Int32(stream), token: Int32(start))
            }
        }
    }

    /// Compares and extends; nil for a chance collision or a passage too short. A passage that is only repetitive is
    /// passed over whole, or each of its windows would be extended to its end again.
    private func match(_ place: Place, _ stream: Int, _ start: Int, from: Int) -> (duplicate: Duplicate?, end: Int)? {
        let original = Int(place.stream)
        let left = streams[original].values
        let right = streams[stream].values
        var begin = (left: Int(place.token), right: start)
        for index in 0..<window where left[begin.left + index] != right[begin.right + index] { return nil }
        // Further back the window before this one would have matched.
        let earliest = max(from, start - window)
        while begin.left > 0, begin.right > earliest, left[begin.left - 1] == right[begin.right - 1] {
            begin.left -= 1
            begin.right -= 1
        }
        var length = start - begin.right + window
        // Within one file the two must not overlap.
        let room = original == stream ? begin.right - begin.left : Int.max
        while length < room, begin.left + length < left.count, begin.right + length < right.count,
            left[begin.left + length] == right[begin.right + length]
        {
            length += 1
        }
        length = min(length, room)
        guard length >= minimum else { return nil }
        guard isVaried(right[begin.right..<(begin.right + length)]) else { return (nil, begin.right + length) }
        let duplicate = Duplicate(
            original: passage(original, begin.left, length), copy: passage(stream, begin.right, length), tokens: length)
        return (duplicate, begin.right + length)
    }

    /// Tables of literals and long chains of one kind of call are alike by nature: a passage counts only if at least
    /// one token in ten is a different one.
    private func isVaried(_ values: ArraySlice<UInt32>) -> Bool {
        let sample = values.prefix(300)
        return Set(sample).count * 10 >= sample.count
    }

    private func passage(_ stream: Int, _ start: Int, _ length: Int) -> Passage {
        let (file, positions) = (streams[stream].file, streams[stream].positions)
        let first = file.tokens[Int(positions[start])]
        let last = file.tokens[Int(positions[start + length - 1])]
        return Passage(
            stream: stream, lines: file.line(at: first.start)...file.line(at: max(last.start, last.end - 1)),
            offset: first.start)
    }
}
