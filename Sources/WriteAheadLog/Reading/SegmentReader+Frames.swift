import CPlatform

extension SegmentReader {
    enum FrameFinding {
        /// Whole and linked to what lies before it. `records` are the bytes after the frame's header.
        case frame(Frame.Header, records: ArraySlice<UInt8>, chain: UInt32)
        /// Nothing was written here, or the first sector of a frame did not arrive.
        case blank
        /// Begins with an intact header, and some sector of it did not arrive.
        case torn(Frame.Header)
    }

    /// Judges what lies at `position`. Throws `damaged` for whatever no crash can have left behind.
    func frame(at position: FramePosition, group: UInt32) throws(WriteAheadLogError) -> FrameFinding {
        let offset = position.offset
        guard offset + UInt64(Sector.byteCount) <= segment.sealOffset else { return .blank }
        guard let first = try bytes(at: offset, byteCount: Sector.byteCount) else {
            throw damage(at: offset, .missingBytes)
        }
        let chain: UInt32
        switch Sector.condition(of: first, place: 0, frame: position.sequence, chain: position.chain) {
        case .blank: return .blank
        case .damaged:
            #if AMAS_MUTANTS
                if LogMutant.active == .damageIsTakenForTornTail { return .blank }
            #endif
            throw damage(at: offset, .badChecksum)
        case .intact(let checksum): chain = checksum
        }
        let header = Frame.Header(firstSector: first)
        try check(header, at: position, group: group)
        guard let base = try bytes(at: offset, byteCount: header.byteCount) else {
            throw damage(at: offset, .missingBytes)
        }
        var bodyChecksum: UInt32 = 0
        var isTorn = false
        for place in 1..<max(1, header.sectorCount) {
            let sector = base + place * Sector.byteCount
            switch Sector.condition(of: sector, place: place, frame: position.sequence, chain: position.chain) {
            case .intact: bodyChecksum = amas_crc32c(bodyChecksum, sector, 4)
            case .blank: isTorn = true
            case .damaged:
                #if AMAS_MUTANTS
                    if LogMutant.active == .damageIsTakenForTornTail {
                        isTorn = true
                        continue
                    }
                #endif
                throw damage(at: offset + UInt64(place * Sector.byteCount), .badChecksum)
            }
        }
        if isTorn { return .torn(header) }
        guard bodyChecksum == header.bodyChecksum else { throw damage(at: offset, .badChecksum) }
        return .frame(header, records: Self.records(of: header, at: base), chain: chain)
    }

    /// Whether an intact header is the one that belongs here. Its checksum is right, so anything else was written so.
    private func check(
        _ header: Frame.Header, at position: FramePosition, group: UInt32
    ) throws(WriteAheadLogError) {
        guard header.formatVersion <= Frame.formatVersion else {
            throw .unknownFormatVersion(file: segment.name, version: header.formatVersion)
        }
        guard header.sequence == position.sequence, header.previousOffset == position.previousOffset,
            header.group == group, header.recordCount > 0, header.contentBytes > 0,
            position.offset + UInt64(header.byteCount) <= segment.sealOffset
        else { throw damage(at: position.offset, .inconsistent("the frame's header does not fit its place")) }
    }

    /// The content without the sector prefixes, in one allocation that the payloads of the frame then share.
    private static func records(of header: Frame.Header, at base: UnsafeRawPointer) -> ArraySlice<UInt8> {
        let end = Frame.headerBytes + Int(header.contentBytes)
        let content = [UInt8](unsafeUninitializedCapacity: end) { buffer, count in
            for place in 0..<header.sectorCount {
                let start = place * Sector.contentBytes
                let part = min(Sector.contentBytes, end - start)
                UnsafeMutableRawPointer(buffer.baseAddress! + start).copyMemory(
                    from: base + place * Sector.byteCount + Sector.prefixBytes, byteCount: part)
            }
            count = end
        }
        return content[Frame.headerBytes...]
    }

    /// Looks at everything behind the last whole frame. Returns how many bytes a torn frame left there, 0 if all is
    /// blank. What it left is provable sector by sector, also where its header did not arrive: each sector's checksum
    /// names the frame, the place in it, and the history before it. Anything else is damage: a synced frame whose
    /// first sector went blank shows by the frames behind it.
    func torn(after position: FramePosition, header: Frame.Header?) throws(WriteAheadLogError) -> UInt64 {
        let sectors = Int((segment.sealOffset - position.offset) / UInt64(Sector.byteCount))
        let sectorsAtOnce = 128
        var end = 0
        for start in stride(from: 0, to: sectors, by: sectorsAtOnce) {
            let count = min(sectorsAtOnce, sectors - start)
            let offset = position.offset + UInt64(start * Sector.byteCount)
            guard let base = try bytes(at: offset, byteCount: count * Sector.byteCount) else {
                throw damage(at: offset, .missingBytes)
            }
            if Sector.isBlank(base, byteCount: count * Sector.byteCount) { continue }
            for place in start..<(start + count) {
                let sector = base + (place - start) * Sector.byteCount
                switch Sector.condition(of: sector, place: place, frame: position.sequence, chain: position.chain) {
                case .blank: continue
                case .intact where place < header?.sectorCount ?? sectors: end = place + 1
                case .intact, .damaged:
                    #if AMAS_MUTANTS
                        if LogMutant.active == .damageIsTakenForTornTail {
                            end = place + 1
                            continue
                        }
                    #endif
                    throw damage(at: position.offset + UInt64(place * Sector.byteCount), .badChecksum)
                }
            }
        }
        return UInt64(end * Sector.byteCount)
    }
}
