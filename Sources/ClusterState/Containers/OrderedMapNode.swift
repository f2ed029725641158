/// A node of `OrderedMap`'s B-tree. A leaf has keys and values; a branch has children and, between each two of them, a
/// separator: greater than every key to its left, not greater than any key to its right.
///
/// Unchecked because the compiler cannot see it: a node is only ever mutated by the map that holds the one reference to
/// it (`isKnownUniquelyReferenced`); once shared, with another copy or another thread, it is never written again.
final class OrderedMapNode<Key: Comparable & Sendable, Value: Sendable>: @unchecked Sendable {
    /// Elements of a leaf, children of a branch. Small, because a mutation after a copy copies this many.
    static var capacity: Int { 32 }
    /// Below this a node is merged with a neighbour if both fit into one. Far below half, so that a table used as a queue
    /// does not merge and split by turns.
    static var sparse: Int { 8 }

    fileprivate(set) var keys: ContiguousArray<Key>
    fileprivate(set) var values: ContiguousArray<Value>
    fileprivate(set) var children: ContiguousArray<OrderedMapNode>

    let isLeaf: Bool

    private init(
        keys: ContiguousArray<Key>, values: ContiguousArray<Value>, children: ContiguousArray<OrderedMapNode>,
        isLeaf: Bool
    ) {
        self.isLeaf = isLeaf
        self.keys = keys
        self.values = values
        self.children = children
    }

    convenience init(key: Key, value: Value) {
        self.init(keys: [key], values: [value], children: [], isLeaf: true)
    }

    convenience init(left: OrderedMapNode, separator: Key, right: OrderedMapNode) {
        self.init(keys: [separator], values: [], children: [left, right], isLeaf: false)
    }

    func copy() -> OrderedMapNode {
        OrderedMapNode(keys: keys, values: values, children: children, isLeaf: isLeaf)
    }

    var isEmpty: Bool { size == 0 }
    private var size: Int { isLeaf ? keys.count : children.count }

    /// The first position in a leaf whose key is not less than `key`.
    func position(of key: Key) -> (index: Int, isFound: Bool) {
        // Read once: each read of a class's variable is checked for exclusive access.
        let keys = keys
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return (low, low < keys.count && !(key < keys[low]))
    }

    /// The child of a branch in which `key` is or would be.
    func childIndex(for key: Key) -> Int {
        let keys = keys
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if key < keys[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: Mutation: only of a node whose one reference the caller holds

    struct Split {
        let separator: Key
        let node: OrderedMapNode
    }

    func insert(_ value: Value, forKey key: Key) -> (old: Value?, split: Split?) {
        if isLeaf { return insertIntoLeaf(value, forKey: key) }
        let index = childIndex(for: key)
        let result = uniqueChild(at: index).insert(value, forKey: key)
        guard let split = result.split else { return (result.old, nil) }
        keys.insert(split.separator, at: index)
        children.insert(split.node, at: index + 1)
        precondition(keys.count + 1 == children.count, "a branch has one separator between each two children")
        guard children.count > Self.capacity else { return (result.old, nil) }
        return (result.old, splitBranch(isAppending: index + 2 == children.count))
    }

    private func insertIntoLeaf(_ value: Value, forKey key: Key) -> (old: Value?, split: Split?) {
        let (index, isFound) = position(of: key)
        if isFound {
            let old = values[index]
            values[index] = value
            return (old, nil)
        }
        keys.insert(key, at: index)
        values.insert(value, at: index)
        precondition(keys.count == values.count, "each key of a leaf has a value")
        guard keys.count > Self.capacity else { return (nil, nil) }
        // Keys that only grow (log indices, due times) leave full leaves behind instead of half-full ones.
        let middle = index == keys.count - 1 ? index : keys.count / 2
        let right = OrderedMapNode(
            keys: ContiguousArray(keys[middle...]), values: ContiguousArray(values[middle...]), children: [],
            isLeaf: true)
        keys.removeSubrange(middle...)
        values.removeSubrange(middle...)
        return (nil, Split(separator: right.keys[0], node: right))
    }

    private func splitBranch(isAppending: Bool) -> Split {
        let middle = isAppending ? children.count - 1 : children.count / 2
        let separator = keys[middle - 1]
        let right = OrderedMapNode(
            keys: ContiguousArray(keys[middle...]), values: [], children: ContiguousArray(children[middle...]),
            isLeaf: false)
        keys.removeSubrange((middle - 1)...)
        children.removeSubrange(middle...)
        precondition(keys.count + 1 == children.count && right.keys.count + 1 == right.children.count)
        return Split(separator: separator, node: right)
    }

    /// Removes a key that is there.
    func remove(_ key: Key) -> Value {
        if isLeaf {
            let (index, isFound) = position(of: key)
            precondition(isFound, "the map looks before it removes")
            keys.remove(at: index)
            return values.remove(at: index)
        }
        let index = childIndex(for: key)
        let child = uniqueChild(at: index)
        let removed = child.remove(key)
        if child.size < Self.sparse { tidy(at: index) }
        return removed
    }

    private func uniqueChild(at index: Int) -> OrderedMapNode {
        if !isKnownUniquelyReferenced(&children[index]) { children[index] = children[index].copy() }
        return children[index]
    }

    /// Drops a child that has become empty; merges a sparse one into a neighbour where both fit.
    private func tidy(at index: Int) {
        if children[index].size == 0 {
            // The separator goes with it; the first child takes the one to its right, every other the one to its left.
            children.remove(at: index)
            if !keys.isEmpty { keys.remove(at: max(index - 1, 0)) }
            return
        }
        guard children.count > 1 else { return }
        let left = index > 0 ? index - 1 : index
        guard children[left].size + children[left + 1].size <= Self.capacity else { return }
        let target = uniqueChild(at: left)
        let source = children[left + 1]
        if !target.isLeaf { target.keys.append(keys[left]) }
        target.keys.append(contentsOf: source.keys)
        target.values.append(contentsOf: source.values)
        target.children.append(contentsOf: source.children)
        children.remove(at: left + 1)
        keys.remove(at: left)
        precondition(target.isLeaf ? target.keys.count == target.values.count : keys.count + 1 == children.count)
    }
}
