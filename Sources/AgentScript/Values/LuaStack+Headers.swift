package import AgentModel
package import LuaRuntime

/// Headers as a script has them: a table by name, in which the last one of a name stands, and a list of
/// `{ name, value }`, which is complete and in order. Both forms are taken wherever a script gives headers.
extension LuaStack {
    /// Reads headers of either form; a table by name is sorted, so that the same table is always the same headers.
    /// `what` names the table in errors. A value of `agenthost.null` is a header without one. With `repeats` a list of
    /// values stands for as many headers of its name.
    package func headers(
        at index: Int32, _ what: String, repeats: Bool = false
    ) throws(LuaFailure) -> [MessageHeader] {
        let table = absolute(index)
        let top = self.top
        defer { setTop(top) }
        guard type(at: table) == .table else {
            throw LuaFailure(
                "\(what): a table by name, or a list of { name, value }, expected, got \(typeName(at: table))")
        }
        let length = length(of: table)
        var headers: [MessageHeader] = []
        headers.reserveCapacity(length)
        for position in 0..<length {
            try charge(50)
            headers.append(try headerPair(at: position + 1, of: table, "\(what)[\(position + 1)]"))
            setTop(top)
        }
        var fields = 0
        pushNil()
        while next(of: table) {
            fields += 1
            try charge(50)
            if length == 0 {
                guard type(at: -2) == .string, let name = string(at: -2) else {
                    throw LuaFailure("\(what): names expected, got the key \(displayString(at: -2))")
                }
                try requireWholeName(at: -2, what)
                if repeats, type(at: -1) == .table {
                    try appendValues(of: name, to: &headers, "\(what).\(name)")
                } else {
                    headers.append(MessageHeader(name: name, value: try headerValue(at: -1, "\(what).\(name)")))
                }
            }
            pop(1)
        }
        guard length == 0 || fields == length else {
            throw LuaFailure("\(what): a list of { name, value } expected, it has other keys too")
        }
        // Those of one name stay in their order.
        if length == 0 {
            headers = headers.enumerated()
                .sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }.map(\.element)
        }
        return headers
    }

    /// One header for each value of the list on top.
    private func appendValues(
        of name: String, to headers: inout [MessageHeader], _ what: String
    ) throws(LuaFailure) {
        let list = top
        for position in 0..<length(of: list) {
            try charge(50)
            _ = getIndex(position + 1, of: list)
            headers.append(MessageHeader(name: name, value: try headerValue(at: -1, "\(what)[\(position + 1)]")))
            pop(1)
        }
    }

    private func headerPair(at position: Int, of table: Int32, _ what: String) throws(LuaFailure) -> MessageHeader {
        guard getIndex(position, of: table) == .table else {
            throw LuaFailure("\(what): { name, value } expected, got \(typeName(at: -1))")
        }
        let pair = top
        guard getIndex(1, of: pair) == .string, let name = string(at: -1) else {
            throw LuaFailure("\(what): a name expected first, got \(typeName(at: -1))")
        }
        try requireWholeName(at: -1, what)
        _ = getIndex(2, of: pair)
        return MessageHeader(name: name, value: try headerValue(at: -1, what))
    }

    /// A name that is cut would be another name.
    private func requireWholeName(at index: Int32, _ what: String) throws(LuaFailure) {
        if isCut(at: index) {
            let size = LuaText.size(length(of: index))
            throw LuaFailure("\(what): names of at most \(LuaText.size(LuaText.longest)) expected, got \(size)")
        }
    }

    private func headerValue(at index: Int32, _ what: String) throws(LuaFailure) -> [UInt8]? {
        switch type(at: index) {
        case .null: return nil
        case .string: return withBytes(at: index) { [UInt8]($0) }
        case .integer, .number, .boolean: return Array(displayString(at: index).utf8)
        default:
            throw LuaFailure(
                "\(what): a string expected as the value, or agenthost.null for none, got \(typeName(at: index))")
        }
    }

    /// Sets `headers` and `header_list` of the table on top.
    package func setHeaders(_ headers: [MessageHeader]) {
        pushHeadersByName(headers)
        setField("headers", of: -2)
        pushHeaderList(headers)
        setField("header_list", of: -2)
    }

    /// Pushes the last one of each name.
    package func pushHeadersByName(_ headers: [MessageHeader]) {
        newTable(array: 0, fields: Int32(clamping: headers.count))
        for header in headers {
            push(header.value)
            setField(header.name, of: -2)
        }
    }

    package func pushHeaderList(_ headers: [MessageHeader]) {
        newTable(array: Int32(clamping: headers.count))
        for (position, header) in headers.enumerated() {
            newTable(array: 2)
            push(header.name)
            setIndex(1, of: -2)
            push(header.value)
            setIndex(2, of: -2)
            setIndex(position + 1, of: -2)
        }
        markArray(at: -1)
    }

    private func push(_ value: [UInt8]?) {
        guard let value else { return pushNull() }
        value.withUnsafeBytes { push($0) }
    }
}
