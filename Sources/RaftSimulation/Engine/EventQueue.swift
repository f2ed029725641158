/// What will happen, ordered by (virtual time, order of scheduling), so that a seed always plays the same.
///
/// A binary heap of plain numbers; what happens lies beside it and does not move.
struct EventQueue<Event> {
    private struct Key {
        var time: UInt64
        var sequence: UInt64
        var slot: Int

        func isBefore(_ other: Key) -> Bool {
            time != other.time ? time < other.time : sequence < other.sequence
        }
    }

    private var heap: [Key] = []
    private var slots: [Event?] = []
    private var free: [Int] = []
    private var sequence: UInt64 = 0

    var nextTime: UInt64? { heap.first?.time }
    var count: Int { heap.count }

    mutating func schedule(_ event: Event, at time: UInt64) {
        sequence += 1
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = event
        } else {
            slot = slots.count
            slots.append(event)
        }
        heap.append(Key(time: time, sequence: sequence, slot: slot))
        rise(from: heap.count - 1)
    }

    mutating func pop() -> (time: UInt64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        guard let event = slots[first.slot].take() else { preconditionFailure("a scheduled event is in its slot") }
        free.append(first.slot)
        return (first.time, event)
    }

    private mutating func rise(from start: Int) {
        var child = start
        let key = heap[child]
        while child > 0 {
            let parent = (child - 1) / 2
            guard key.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = key
    }

    private mutating func sink() {
        var parent = 0
        let key = heap[0]
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { break }
            if least + 1 < heap.count, heap[least + 1].isBefore(heap[least]) { least += 1 }
            guard heap[least].isBefore(key) else { break }
            heap[parent] = heap[least]
            parent = least
        }
        heap[parent] = key
    }
}
