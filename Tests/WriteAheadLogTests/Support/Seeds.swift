import Glibc

/// The seeds of a random test: few by default; `AMAS_SEEDS=7` replays one, `AMAS_SEEDS=1-500` is a soak.
func seeds(_ usual: ClosedRange<UInt64>) -> ClosedRange<UInt64> {
    guard let setting = getenv("AMAS_SEEDS") else { return usual }
    let bounds = String(cString: setting).split(separator: "-").compactMap { UInt64($0) }
    guard let first = bounds.first, let last = bounds.last, first <= last else { return usual }
    return first...last
}
