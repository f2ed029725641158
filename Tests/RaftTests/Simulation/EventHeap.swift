/// What will happen in the simulated world, ordered by (time, order of scheduling), so that a seed always plays the same.
struct EventHeap<Event> {
    struct Scheduled {
        var time: UInt64
        var sequence: UInt64
        var event: Event

        func isBefore(_ other: Scheduled) -> Bool {
            time != other.time ? time < other.time : sequence < other.sequence
        }
    }

    private var heap: [Scheduled] = []
    private var sequence: UInt64 = 0

    var nextTime: UInt64? { heap.first?.time }

    mutating func schedule(_ event: Event, at time: UInt64) {
        sequence += 1
        heap.append(Scheduled(time: time, sequence: sequence, event: event))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Scheduled? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
