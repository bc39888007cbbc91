import AgentModel
import LuaRuntime

/// Single values, and what is taken for them: pydantic's conversions in its lax mode.
extension ModelChecker {
    mutating func pushNumber(from index: Int32) {
        switch stack.type(at: index) {
        case .integer: stack.pushValue(at: index)
        case .number:
            if let number = stack.number(at: index), number.isFinite {
                stack.pushValue(at: index)
            } else {
                refuse(index, kind: .notFinite(shown: stack.displayString(at: index)))
            }
        case .boolean: stack.push(stack.boolean(at: index) ? 1 : 0)
        case .string:
            switch LaxText.number(stack.string(at: index) ?? "") {
            case .integer(let value): stack.push(value)
            case .number(let value): stack.push(value)
            case .notFinite: refuse(index, kind: .notFinite(shown: quoted(index)))
            case .tooLarge, nil: refuse(index, kind: .unreadable(.number, shown: quoted(index)))
            }
        default: refuse(index, .number)
        }
    }

    mutating func pushInteger(in range: ClosedRange<Int64>?, from index: Int32) {
        let value: Int64
        switch stack.type(at: index) {
        case .integer: value = stack.integer(at: index) ?? 0
        case .number:
            let number = stack.number(at: index) ?? 0
            guard number.isFinite else {
                return refuse(index, kind: .notFinite(shown: stack.displayString(at: index)))
            }
            guard let exact = stack.integer(at: index) else {
                let shown = stack.displayString(at: index)
                return refuse(
                    index, kind: number.rounded() == number ? .tooLarge(shown: shown) : .fraction(shown: shown))
            }
            value = exact
        case .boolean: value = stack.boolean(at: index) ? 1 : 0
        case .string:
            switch LaxText.integer(stack.string(at: index) ?? "") {
            case .integer(let read): value = read
            case .tooLarge: return refuse(index, kind: .tooLarge(shown: quoted(index)))
            default: return refuse(index, kind: .unreadable(.integer(range), shown: quoted(index)))
            }
        default: return refuse(index, .integer(range))
        }
        if let range, value < range.lowerBound {
            refuse(index, kind: .below(range, shown: stack.displayString(at: index)))
        } else if let range, value > range.upperBound {
            refuse(index, kind: .above(range, shown: stack.displayString(at: index)))
        } else {
            stack.push(value)
        }
    }

    mutating func pushBoolean(from index: Int32) {
        switch stack.type(at: index) {
        case .boolean: stack.pushValue(at: index)
        case .integer, .number:
            switch stack.integer(at: index) {
            case 0: stack.push(false)
            case 1: stack.push(true)
            case .some: refuse(index, kind: .unreadable(.boolean, shown: stack.displayString(at: index)))
            case nil: refuse(index, .boolean)
            }
        case .string:
            guard let value = LaxText.boolean(stack.string(at: index) ?? "") else {
                return refuse(index, kind: .unreadable(.boolean, shown: quoted(index)))
            }
            stack.push(value)
        default: refuse(index, .boolean)
        }
    }

    /// Any form of ISO 8601, or a number, or the text of one.
    mutating func pushTimestamp(from index: Int32) {
        let number: Double
        switch stack.type(at: index) {
        case .string:
            let text = stack.string(at: index) ?? ""
            if let milliseconds = Timestamp.parse(text) { return stack.push(Timestamp.text(milliseconds)) }
            guard let read = LaxText.epoch(text) else {
                return refuse(index, kind: .time(TimeRefusal(of: text), shown: quoted(index)))
            }
            number = read
        case .integer, .number: number = stack.number(at: index) ?? 0
        default: return refuse(index, .timestamp)
        }
        // As pydantic reads a number: seconds since 1970, and milliseconds where seconds would be after the year 2603.
        let milliseconds = abs(number) > 2e10 ? number : number * 1000
        guard milliseconds >= -62_135_596_800_000, milliseconds < 253_402_300_800_000 else {
            return refuse(index, kind: .time(milliseconds < 0 ? .before : .after, shown: quoted(index)))
        }
        stack.push(Timestamp.text(Int64(milliseconds.rounded(.down))))
    }

    mutating func pushChoice(_ names: [String], from index: Int32) {
        guard stack.type(at: index) == .string else { return refuse(index, .choice(names)) }
        let name = stack.string(at: index) ?? ""
        if names.contains(name) {
            stack.pushValue(at: index)
        } else {
            let near = NameSuggestion.nearest(name, among: names)
            refuse(index, kind: .value(.choice(names), shown: quoted(index), near: near))
        }
    }
}
