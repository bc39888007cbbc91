internal import CJSON
internal import NIOCore

/// The tokens of a document on their way to values.
struct JSONTokens: ~Copyable {
    private let document: UnsafeRawBufferPointer
    private let tokens: cj_tokens
    private var position = 0

    /// The document must outlive the tokens.
    init(of document: UnsafeRawBufferPointer) throws(JSONError) {
        var error = cj_error()
        self.document = document
        tokens = cj_read(document.characters, document.count, &error)
        if tokens.tokens == nil { throw JSONError(error) }
    }

    deinit {
        cj_tokens_free(tokens)
    }

    private mutating func next() -> cj_token {
        defer { position += 1 }
        return tokens.tokens[position]
    }

    /// The next value.
    mutating func value() -> JSONValue {
        let token = next()
        switch token.kind {
        case CJ_FALSE: return .bool(false)
        case CJ_TRUE: return .bool(true)
        case CJ_INTEGER: return .integer(token.integer)
        case CJ_REAL: return .number(token.real)
        case CJ_STRING: return .string(token.text.string(in: document))
        case CJ_ARRAY_BEGIN: return .array(array())
        case CJ_OBJECT_BEGIN: return .object(object())
        default: return .null
        }
    }

    private mutating func array() -> [JSONValue] {
        var elements: [JSONValue] = []
        while tokens.tokens[position].kind != CJ_ARRAY_END { elements.append(value()) }
        position += 1
        return elements
    }

    private mutating func object() -> JSONObject {
        var members = JSONObject()
        while true {
            let token = next()
            if token.kind == CJ_OBJECT_END { return members }
            members[token.text.string(in: document)] = value()
        }
    }
}

extension cj_text {
    /// What the string stands for.
    func string(in document: UnsafeRawBufferPointer) -> String {
        let text = UnsafeRawBufferPointer(rebasing: document[begin..<end])
        guard has_escapes else { return String(decoding: text, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: text.count) { out in
            cj_unescape(text.characters, text.count, out.baseAddress)
        }
    }

    /// Whether it stands for `other`, byte by byte.
    func isEqual(to other: String, in document: UnsafeRawBufferPointer) -> Bool {
        if has_escapes { return string(in: document).utf8.elementsEqual(other.utf8) }
        return end - begin == other.utf8.count && document[begin..<end].elementsEqual(other.utf8)
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes as C has them.
    var characters: UnsafePointer<CChar>? { baseAddress?.assumingMemoryBound(to: CChar.self) }
}
