/// A dictionary in key order whose copies are free and stay what they were.
///
/// It is a B-tree whose nodes are shared between copies. A copy takes one reference; a mutation copies only the nodes on
/// its path that another copy still holds, each of at most `OrderedMapNode.capacity` elements, so neither a snapshot nor
/// a reader makes the next mutation copy anything big (`design/state.md` 8). Iteration is in key order by construction,
/// which is why every table of the state is one of these and none is a `Dictionary`.
///
/// Lookup, insertion and removal are O(log n); copying is O(1); `first` is O(log n); iteration is O(1) amortised.
struct OrderedMap<Key: Comparable & Sendable, Value: Sendable>: Sendable {
    typealias Node = OrderedMapNode<Key, Value>

    private(set) var count = 0
    private(set) var root: Node?

    init() {}

    var isEmpty: Bool { count == 0 }

    subscript(key: Key) -> Value? {
        guard var node = root else { return nil }
        while !node.isLeaf { node = node.children[node.childIndex(for: key)] }
        let (index, isFound) = node.position(of: key)
        return isFound ? node.values[index] : nil
    }

    func contains(_ key: Key) -> Bool {
        guard var node = root else { return false }
        while !node.isLeaf { node = node.children[node.childIndex(for: key)] }
        return node.position(of: key).isFound
    }

    var first: (key: Key, value: Value)? {
        guard var node = root else { return nil }
        while !node.isLeaf { node = node.children[0] }
        return (node.keys[0], node.values[0])
    }

    /// The first element whose key is not less than `key`.
    func first(from key: Key) -> (key: Key, value: Value)? {
        guard var node = root else { return nil }
        // Where everything in the leaf is less, the answer is the first of the subtree to the right.
        var right: Node?
        while !node.isLeaf {
            let children = node.children
            let index = node.childIndex(for: key)
            if index + 1 < children.count { right = children[index + 1] }
            node = children[index]
        }
        let index = node.position(of: key).index
        if index < node.keys.count { return (node.keys[index], node.values[index]) }
        guard var next = right else { return nil }
        while !next.isLeaf { next = next.children[0] }
        return (next.keys[0], next.values[0])
    }

    var last: (key: Key, value: Value)? {
        guard var node = root else { return nil }
        while !node.isLeaf { node = node.children[node.children.count - 1] }
        return (node.keys[node.keys.count - 1], node.values[node.values.count - 1])
    }

    /// Returns the value that was there before.
    @discardableResult
    mutating func updateValue(_ value: Value, forKey key: Key) -> Value? {
        guard root != nil else {
            root = Node(key: key, value: value)
            count = 1
            return nil
        }
        let result = Self.withUnique(&root) { $0.insert(value, forKey: key) }
        if result.old == nil { count += 1 }
        if let split = result.split, let left = root {
            root = Node(left: left, separator: split.separator, right: split.node)
        }
        precondition(count > 0, "an insertion leaves something")
        return result.old
    }

    /// Returns the value that was there, nil if there was none.
    @discardableResult
    mutating func removeValue(forKey key: Key) -> Value? {
        // Looked up first, so that removing what is not there copies no node.
        guard contains(key) else { return nil }
        precondition(count > 0, "what contains a key is not empty")
        let removed = Self.withUnique(&root) { $0.remove(key) }
        count -= 1
        if let top = root {
            if top.isEmpty {
                root = nil
            } else if !top.isLeaf && top.children.count == 1 {
                root = top.children[0]
            }
        }
        precondition((root == nil) == (count == 0), "the last removal takes the root")
        return removed
    }

    /// Replaces the root by a copy if another map holds it too, then mutates it. The reference is out of `root` while the
    /// uniqueness of the rest of the path is examined, so that nothing but other maps counts.
    private static func withUnique<Result>(_ root: inout Node?, _ body: (Node) -> Result) -> Result {
        guard var node = root.take() else { preconditionFailure("only a map with a root is mutated in place") }
        if !isKnownUniquelyReferenced(&node) { node = node.copy() }
        defer { root = node }
        return body(node)
    }
}
