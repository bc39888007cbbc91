/// The members of a JSON object in the order in which they were written or added; a key occurs once.
///
/// Keys are the same when their bytes are, as for every other reader of JSON; Swift's `==` takes `é` written in two
/// ways for one.
package struct JSONObject: Sendable {
    package struct Member: Sendable {
        package let key: String
        package fileprivate(set) var value: JSONValue
    }

    /// In order.
    package private(set) var members: [Member] = []
    /// Where each key is, once there are so many members that walking through them would cost more.
    private var positions: [[UInt8]: Int]?

    private static let walkableCount = 12

    package init() {}

    package init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    /// The value of a member; nil for none, which is not the same as `JSONValue.null`.
    ///
    /// Setting keeps the place of a key that is there and adds a new one at the end; setting nil takes it away.
    package subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): remove(at: position)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        if let positions { return positions[Array(key.utf8)] }
        return members.firstIndex { $0.key.utf8.count == key.utf8.count && $0.key.utf8.elementsEqual(key.utf8) }
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if positions != nil {
            positions?[Array(key.utf8)] = members.count - 1
        } else if members.count > Self.walkableCount {
            index()
        }
    }

    private mutating func remove(at position: Int) {
        members.remove(at: position)
        if positions != nil { index() }
    }

    private mutating func index() {
        positions = Dictionary(uniqueKeysWithValues: members.enumerated().map { (Array($1.key.utf8), $0) })
    }
}

extension JSONObject: Equatable {
    /// The same members; their order does not matter (RFC 8259 section 1: an object is unordered).
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}
