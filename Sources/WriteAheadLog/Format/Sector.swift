import CPlatform
import Glibc

/// The unit in which a disk writes: 512 bytes arrive whole or not at all (the one assumption of this room about disks).
///
/// Every sector of a frame proves by itself where it belongs:
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | CRC-32C of the rest, begun with the chain before the frame, XOR the sector's place within the frame |
/// | 4 | 4 | stamp: the frame's sequence (31 bits) under a bit that is always set, so no written sector is blank |
/// | 8 | 504 | content |
///
/// The chain before a frame covers the whole history of the log, so a sector of another frame, of another place in the
/// frame, of an earlier life of the segment or of another node does not pass.
enum Sector {
    static let byteCount = 512
    static let prefixBytes = 8
    static let contentBytes = 504

    enum Condition {
        /// All zero, as the segment was prepared: nothing was ever written here.
        case blank
        /// The sector that belongs in this place. The checksum is the next link where the sector begins a frame.
        case intact(checksum: UInt32)
        case damaged
    }

    static func stamp(ofFrame sequence: UInt64) -> UInt32 {
        0x8000_0000 | UInt32(truncatingIfNeeded: sequence & 0x7fff_ffff)
    }

    /// Writes stamp and checksum around the content that is in place already; returns the checksum.
    static func finish(
        _ sector: UnsafeMutableRawPointer, place: Int, frame sequence: UInt64, chain: UInt32
    ) -> UInt32 {
        sector.storeBytes(of: stamp(ofFrame: sequence).littleEndian, toByteOffset: 4, as: UInt32.self)
        let checksum = checksum(of: sector, place: place, chain: chain)
        sector.storeBytes(of: checksum.littleEndian, as: UInt32.self)
        return checksum
    }

    static func condition(
        of sector: UnsafeRawPointer, place: Int, frame sequence: UInt64, chain: UInt32
    ) -> Condition {
        let stored = UInt32(littleEndian: sector.loadUnaligned(as: UInt32.self))
        let storedStamp = UInt32(littleEndian: sector.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        if storedStamp == stamp(ofFrame: sequence), stored == checksum(of: sector, place: place, chain: chain) {
            return .intact(checksum: stored)
        }
        return isBlank(sector, byteCount: byteCount) ? .blank : .damaged
    }

    /// Whether `byteCount` bytes are all zero.
    static func isBlank(_ bytes: UnsafeRawPointer, byteCount: Int) -> Bool {
        precondition(byteCount > 0, "an empty range has no condition")
        // The first byte is zero and every byte equals the one before it.
        return bytes.load(as: UInt8.self) == 0 && memcmp(bytes, bytes + 1, byteCount - 1) == 0
    }

    private static func checksum(of sector: UnsafeRawPointer, place: Int, chain: UInt32) -> UInt32 {
        amas_crc32c(chain ^ UInt32(place), sector + 4, byteCount - 4)
    }
}
