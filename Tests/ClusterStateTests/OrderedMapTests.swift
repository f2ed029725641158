import Testing

@testable import ClusterState

@Suite("OrderedMap: a persistent B-tree")
struct OrderedMapTests {
    /// The same map, written so simply that it must be right.
    struct Naive {
        var keys: [Int] = []
        var values: [Int: Int] = [:]

        mutating func update(_ key: Int, _ value: Int) -> Int? {
            if values[key] == nil { keys.insert(key, at: keys.firstIndex { $0 > key } ?? keys.count) }
            return values.updateValue(value, forKey: key)
        }

        mutating func remove(_ key: Int) -> Int? {
            keys.removeAll { $0 == key }
            return values.removeValue(forKey: key)
        }
    }

    func expectSame(_ map: OrderedMap<Int, Int>, _ naive: Naive, _ context: String) {
        #expect(map.count == naive.keys.count, "\(context)")
        #expect(map.map(\.key) == naive.keys, "\(context)")
        #expect(map.allSatisfy { naive.values[$0.key] == $0.value }, "\(context)")
        #expect(map.first?.key == naive.keys.first && map.last?.key == naive.keys.last, "\(context)")
    }

    @Test("answers as a sorted array does, and copies stay what they were", arguments: Fuzz.seeds(1...12))
    func differential(seed: UInt64) {
        var random = Random(seed: seed)
        var map = OrderedMap<Int, Int>()
        var naive = Naive()
        var copies: [(OrderedMap<Int, Int>, Naive)] = []
        let keySpace = [20, 200, 2_000][random.below(3)]
        // Alternating growth and shrinkage takes the tree through splits, merges and emptiness.
        for step in 0..<(2_000 * Fuzz.factor) {
            let key = random.below(keySpace)
            let removing = (step / 400) % 2 == 1 ? 70 : 25
            let isRemoving = random.chance(removing)
            let answer = isRemoving ? map.removeValue(forKey: key) : map.updateValue(step, forKey: key)
            let right = isRemoving ? naive.remove(key) : naive.update(key, step)
            guard answer == right, map[key] == naive.values[key] else {
                Issue.record("AMAS_FUZZ_SEED=\(seed), step \(step): \(String(describing: answer))")
                return
            }
            if step % 97 == 0 {
                expectSame(map, naive, "seed \(seed), step \(step)")
                let start = random.below(keySpace)
                #expect(map.first(from: start)?.key == naive.keys.first { $0 >= start }, "seed \(seed), step \(step)")
                #expect(map.from(start).map(\.key) == naive.keys.filter { $0 >= start }, "seed \(seed), step \(step)")
                copies.append((map, naive))
                if copies.count > 5 { copies.remove(at: random.below(copies.count)) }
            }
        }
        for (copy, naive) in copies { expectSame(copy, naive, "a copy of seed \(seed)") }
    }

    @Test("can be filled and emptied from either end", arguments: [true, false])
    func emptying(fromTheFront: Bool) {
        var map = OrderedMap<Int, Int>()
        for key in 0..<5_000 { map.updateValue(key, forKey: key) }
        #expect(map.map(\.key) == Array(0..<5_000))
        let order = fromTheFront ? Array(0..<5_000) : (0..<5_000).reversed()
        #expect(order.allSatisfy { map.removeValue(forKey: $0) == $0 })
        #expect(map.isEmpty && map.first == nil && map.last == nil && map.map(\.key).isEmpty)
    }

    @Test("used as a queue it stays shallow")
    func queue() {
        var map = OrderedMap<Int, Int>()
        for key in 0..<20_000 {
            map.updateValue(key, forKey: key)
            if key >= 1_000 { map.removeValue(forKey: key - 1_000) }
        }
        #expect(map.map(\.key) == Array(19_000..<20_000))
        #expect(NodeCensus(map).depth <= 4)
    }

    @Test("a mutation after a copy copies one path of small nodes, not the map")
    func copyOnWrite() {
        var map = OrderedMap<Int, Int>()
        for key in 0..<50_000 { map.updateValue(key, forKey: key * 2) }
        for key in [1, 49_999, 99_999, 3_333] {
            let copy = map
            let before = NodeCensus(copy)
            map.updateValue(0, forKey: key)
            let after = NodeCensus(map)
            // The path, and a neighbour for each split on it.
            #expect(after.nodes.subtracting(before.nodes).count <= 2 * before.depth)
            #expect(copy[key] == nil && map[key] == 0)
        }
        let copy = map
        map.removeValue(forKey: 1)
        #expect(NodeCensus(map).nodes.subtracting(NodeCensus(copy).nodes).count <= 2 * NodeCensus(map).depth)
    }

    @Test("without a copy nothing is copied at all")
    func inPlace() {
        var map = OrderedMap<Int, Int>()
        for key in 0..<10_000 { map.updateValue(key, forKey: key) }
        let before = NodeCensus(map).nodes
        for key in 0..<10_000 { map.updateValue(-key, forKey: key) }
        #expect(NodeCensus(map).nodes == before)
    }
}

/// The nodes of a map, by identity.
struct NodeCensus {
    private(set) var nodes: Set<ObjectIdentifier> = []
    private(set) var depth = 0

    init<Key, Value>(_ map: OrderedMap<Key, Value>) {
        guard let root = map.root else { return }
        var level = [root]
        while !level.isEmpty {
            depth += 1
            for node in level { nodes.insert(ObjectIdentifier(node)) }
            level = level.flatMap { Array($0.children) }
        }
    }
}
