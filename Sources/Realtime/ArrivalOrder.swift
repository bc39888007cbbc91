/// Values by key, in the order in which they came, so that a page of them is found without sorting all.
struct ArrivalOrder<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var positions: [Key: Int] = [:]
    /// nil: removed. At most as many as there are values, so that walking past them costs no more than the values do.
    private var slots: [(key: Key, value: Value)?] = []

    var count: Int { positions.count }

    subscript(key: Key) -> Value? { positions[key].flatMap { slots[$0]?.value } }

    /// Changes a value where it is; `initial` comes first when there is none.
    mutating func update<Result>(
        _ key: Key, or initial: @autoclosure () -> Value, _ change: (inout Value) -> Result
    ) -> Result {
        let position: Int
        if let known = positions[key] {
            position = known
        } else {
            position = slots.count
            positions[key] = position
            slots.append((key, initial()))
        }
        var value = slots[position]?.value ?? initial()
        // Out of its place meanwhile, so that what it holds is not copied.
        slots[position] = nil
        defer { slots[position] = (key, value) }
        return change(&value)
    }

    /// Changes a value where it is; nil when there is none.
    mutating func change<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
        guard let position = positions[key], var slot = slots[position] else { return nil }
        // Out of its place meanwhile, so that what it holds is not copied.
        slots[position] = nil
        defer { slots[position] = slot }
        return change(&slot.value)
    }

    @discardableResult
    mutating func remove(_ key: Key) -> Value? {
        guard let position = positions.removeValue(forKey: key), let slot = slots[position] else { return nil }
        slots[position] = nil
        if slots.count > 32, slots.count > positions.count * 2 { closeGaps() }
        return slot.value
    }

    private mutating func closeGaps() {
        slots = slots.filter { $0 != nil }
        for (position, slot) in slots.enumerated() {
            if let slot { positions[slot.key] = position }
        }
    }

    /// As many as `limit`, after the first `offset`.
    func page(offset: Int, limit: Int) -> [(key: Key, value: Value)] {
        Array(slots.lazy.compactMap(\.self).dropFirst(offset).prefix(limit))
    }

    var keys: some Sequence<Key> { slots.lazy.compactMap { $0?.key } }

    var values: some Sequence<Value> { slots.lazy.compactMap { $0?.value } }
}
