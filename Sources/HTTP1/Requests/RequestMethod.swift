/// The methods that routes are declared with; any other is `other`, which no route takes.
package enum RequestMethod: String {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    case other = ""

    /// For people and figures; clients may send any word.
    package var name: String { self == .other ? "other" : rawValue }

    /// The method that a token is, in the very case that RFC 9110 section 9.1 asks for.
    package init(token: UnsafeRawBufferPointer) {
        switch token.count {
        case 3:
            self = token.elementsEqual("GET".utf8) ? .get : token.elementsEqual("PUT".utf8) ? .put : .other
        case 4:
            self = token.elementsEqual("POST".utf8) ? .post : token.elementsEqual("HEAD".utf8) ? .head : .other
        case 5: self = token.elementsEqual("PATCH".utf8) ? .patch : .other
        case 6: self = token.elementsEqual("DELETE".utf8) ? .delete : .other
        case 7: self = token.elementsEqual("OPTIONS".utf8) ? .options : .other
        default: self = .other
        }
    }
}
