import NIOCore

struct Frame: Equatable {
    var kind: FrameKind
    var payload: ByteBuffer
}

/// Cuts what a connection delivers into frames.
///
/// Payloads are slices of the buffer that was read; only a frame that straddles two reads is put together in a buffer
/// of its own, which is allocated once at its full size. Use: `append` a read, then `next` until it gives nil. (A read
/// that comes before that is joined to the first by a copy.)
struct FrameDecoder {
    /// Raised when the peer has proved who it is.
    var maximumPayloadBytes: Int
    let checksumRequired: Bool
    private var input = ByteBuffer()
    private var straddling: ByteBuffer?

    init(maximumPayloadBytes: Int, checksumRequired: Bool) {
        self.maximumPayloadBytes = maximumPayloadBytes
        self.checksumRequired = checksumRequired
    }

    /// Bytes held of a frame that is not complete.
    var heldBytes: Int { (straddling?.readableBytes ?? 0) + input.readableBytes }

    mutating func append(_ bytes: ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeImmutableBuffer(bytes)
        }
    }

    /// The next complete frame, or nil when more bytes are needed.
    mutating func next() throws(FrameError) -> Frame? {
        if straddling != nil { return try completeStraddling() }
        if input.readableBytes >= FrameHeader.byteCount {
            let header = try header(of: input)
            if input.readableBytes >= FrameHeader.byteCount + header.payloadBytes {
                return try takeFrame(header, from: &input)
            }
        }
        keepRest()
        return nil
    }

    private mutating func keepRest() {
        guard input.readableBytes > 0 else { return }
        // A copy of the bytes, not a slice: the frames before it are still held by their receivers.
        straddling = ByteBuffer(bytes: input.readableBytesView)
        input = ByteBuffer()
    }

    private mutating func completeStraddling() throws(FrameError) -> Frame? {
        guard var frame = straddling.take() else { return nil }
        move(FrameHeader.byteCount - frame.readableBytes, to: &frame)
        guard frame.readableBytes >= FrameHeader.byteCount else {
            straddling = frame
            return nil
        }
        let header = try header(of: frame)
        let missing = FrameHeader.byteCount + header.payloadBytes - frame.readableBytes
        frame.reserveCapacity(minimumWritableBytes: max(missing, 0))
        move(missing, to: &frame)
        guard frame.readableBytes == FrameHeader.byteCount + header.payloadBytes else {
            straddling = frame
            return nil
        }
        return try takeFrame(header, from: &frame)
    }

    private mutating func move(_ wanted: Int, to frame: inout ByteBuffer) {
        let length = min(wanted, input.readableBytes)
        guard length > 0, var part = input.readSlice(length: length) else { return }
        frame.writeBuffer(&part)
    }

    private func header(of buffer: ByteBuffer) throws(FrameError) -> FrameHeader {
        try buffer.readableBytesView.withUnsafeBytes { bytes throws(FrameError) in
            try FrameHeader(
                reading: bytes, maximumPayloadBytes: maximumPayloadBytes, checksumRequired: checksumRequired)
        }
    }

    private func takeFrame(_ header: FrameHeader, from buffer: inout ByteBuffer) throws(FrameError) -> Frame {
        buffer.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        guard let payload = buffer.readSlice(length: header.payloadBytes) else {
            preconditionFailure("the caller has waited for the whole payload")
        }
        if header.flags.contains(.checksummed) {
            try payload.readableBytesView.withUnsafeBytes { bytes throws(FrameError) in try header.verify(bytes) }
        }
        return Frame(kind: header.kind, payload: payload)
    }
}
