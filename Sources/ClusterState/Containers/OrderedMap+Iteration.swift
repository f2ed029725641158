extension OrderedMap: Sequence {
    typealias Element = (key: Key, value: Value)

    /// Walks the map as it was when the iterator was made.
    struct Iterator: IteratorProtocol {
        private var path: ContiguousArray<(node: Node, next: Int)> = []

        fileprivate init(from root: Node?) {
            if let root { descend(root) }
        }

        /// Starts at the first key that is not less than `key`.
        fileprivate init(from root: Node?, startingAt key: Key) {
            guard var node = root else { return }
            while !node.isLeaf {
                let index = node.childIndex(for: key)
                path.append((node, index + 1))
                node = node.children[index]
            }
            path.append((node, node.position(of: key).index))
        }

        private mutating func descend(_ start: Node) {
            var node = start
            while !node.isLeaf {
                path.append((node, 1))
                node = node.children[0]
            }
            path.append((node, 0))
        }

        mutating func next() -> Element? {
            while let (node, next) = path.last {
                if next < (node.isLeaf ? node.keys.count : node.children.count) {
                    path[path.count - 1].next = next + 1
                    if node.isLeaf { return (node.keys[next], node.values[next]) }
                    descend(node.children[next])
                } else {
                    path.removeLast()
                }
            }
            return nil
        }
    }

    func makeIterator() -> Iterator { Iterator(from: root) }
    var underestimatedCount: Int { count }

    /// The elements from `key` on, `key` itself included if it is there.
    func from(_ key: Key) -> OrderedMapTail<Key, Value> { OrderedMapTail(map: self, start: key) }

    fileprivate func makeIterator(startingAt key: Key) -> Iterator { Iterator(from: root, startingAt: key) }
}

/// The end of a map that begins at a key.
struct OrderedMapTail<Key: Comparable & Sendable, Value: Sendable>: Sequence {
    fileprivate let map: OrderedMap<Key, Value>
    fileprivate let start: Key

    func makeIterator() -> OrderedMap<Key, Value>.Iterator { map.makeIterator(startingAt: start) }
}

/// An ordered set with the same properties as `OrderedMap`.
struct OrderedSet<Element: Comparable & Sendable>: Sequence, Sendable {
    struct Member: Sendable {}
    private(set) var members = OrderedMap<Element, Member>()

    var count: Int { members.count }
    var isEmpty: Bool { members.isEmpty }
    var first: Element? { members.first?.key }

    mutating func insert(_ element: Element) { members.updateValue(Member(), forKey: element) }
    mutating func remove(_ element: Element) { members.removeValue(forKey: element) }
    func makeIterator() -> some IteratorProtocol<Element> { members.lazy.map { $0.key }.makeIterator() }
    func from(_ element: Element) -> some Sequence<Element> { members.from(element).lazy.map { $0.key } }
    func first(from element: Element) -> Element? { members.first(from: element)?.key }
}
