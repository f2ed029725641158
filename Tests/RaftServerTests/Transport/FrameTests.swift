import NIOCore
import Testing

@testable import RaftServer

@Suite("Frames on the wire")
struct FrameTests {
    private static let limit = 1000

    private func decoder(checksumRequired: Bool = true) -> FrameDecoder {
        FrameDecoder(maximumPayloadBytes: Self.limit, checksumRequired: checksumRequired)
    }

    private func bytes(_ count: Int, from first: Int = 0) -> ByteBuffer {
        ByteBuffer(bytes: (0..<count).map { UInt8(truncatingIfNeeded: first + $0) })
    }

    @Test("the layout is the documented one")
    func layout() {
        let payload: [UInt8] = [0xAA, 0xBB]
        let header = payload.withUnsafeBytes {
            FrameHeader(kind: FrameKind(rawValue: 0x20), payload: $0, isBulk: true, withChecksum: false)
        }
        let bytes = header.withBytes { Array($0) }
        #expect(bytes == [2, 0, 0, 0, 1, 0x20, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("frames come out whole, however the stream is cut")
    func everyCut() throws {
        let frames = [0, 1, 15, 16, 17, 300].map {
            Frame(kind: FrameKind(rawValue: UInt8($0 & 0x7f)), payload: bytes($0))
        }
        var stream = ByteBuffer()
        for frame in frames { stream.writeImmutableBuffer(RawPeer.frame(frame.kind, frame.payload)) }
        for cut in 1..<stream.readableBytes {
            var decoder = decoder()
            var rest = stream
            var decoded: [Frame] = []
            while let part = rest.readSlice(length: min(cut, rest.readableBytes)), part.readableBytes > 0 {
                decoder.append(part)
                while let frame = try decoder.next() { decoded.append(frame) }
            }
            #expect(decoded == frames, "cut into pieces of \(cut)")
            #expect(decoder.heldBytes == 0)
        }
    }

    @Test("a flipped bit never passes as a frame")
    func everyFlippedBit() {
        let good = RawPeer.frame(TestNode.kind, bytes(20))
        for bit in 0..<(good.readableBytes * 8) {
            var damaged = good
            let byte = damaged.getInteger(at: bit / 8, as: UInt8.self) ?? 0
            damaged.setInteger(byte ^ (1 << UInt8(bit % 8)), at: bit / 8)
            var decoder = decoder()
            decoder.append(damaged)
            // A greater length makes the decoder wait for bytes that are not there; all else is refused.
            #expect((try? decoder.next()) == nil, "bit \(bit)")
        }
    }

    @Test("the limit itself passes, one byte more does not")
    func limit() throws {
        var decoder = decoder()
        decoder.append(RawPeer.frame(TestNode.kind, bytes(Self.limit)))
        #expect(try decoder.next()?.payload.readableBytes == Self.limit)
        decoder.append(RawPeer.frame(TestNode.kind, bytes(Self.limit + 1)))
        #expect(throws: FrameError.tooLarge(bytes: Self.limit + 1, limit: Self.limit)) { try decoder.next() }
    }

    @Test("what a later format might mean is refused, not guessed")
    func unknown() {
        let good = RawPeer.frame(TestNode.kind, bytes(4))
        let cases: [(offset: Int, value: UInt8, error: FrameError)] = [
            (4, 2, .unknownFormatVersion(2)), (6, 0x81, .unknownFlags(0x81)), (8, 7, .otherGroup(7)),
            (6, 0, .checksumMissing), (12, 0, .checksumMismatch),
        ]
        for (offset, value, error) in cases {
            var changed = good
            changed.setInteger(value, at: offset)
            var decoder = decoder()
            decoder.append(changed)
            #expect(throws: error) { try decoder.next() }
        }
    }

    @Test("slices handed out stay as they were while the decoder goes on")
    func slicesAreStable() throws {
        var decoder = decoder()
        var stream = RawPeer.frame(TestNode.kind, bytes(50))
        stream.writeImmutableBuffer(RawPeer.frame(TestNode.kind, bytes(90, from: 100)))
        let second = stream.readableBytes - 40
        decoder.append(try #require(stream.getSlice(at: 0, length: second)))
        let first = try #require(try decoder.next())
        #expect(try decoder.next() == nil)
        decoder.append(try #require(stream.getSlice(at: second, length: 40)))
        #expect(try decoder.next()?.payload == bytes(90, from: 100))
        #expect(first.payload == bytes(50))
    }
}
