import AgentModel
import NIOCore

/// One thing that is wrong with what a model was given, for scripts in Lua's words and for clients in pydantic's.
struct ModelIssue {
    /// A step on the way from the model to the value.
    enum Step {
        case field(String)
        /// From 1, as Lua counts.
        case item(Int)
        /// An alternative of a union, by the name that pydantic gives it; no part of a message to a script.
        case alternative(String)
    }

    enum Kind {
        case missing
        /// A value of another type.
        case type(FieldType, got: String)
        /// Not one of the texts; `shown` is the value, `near` the text that was probably meant.
        case value(FieldType, shown: String, near: String?)
        /// A text, or a number, that stands for no value of the type.
        case unreadable(FieldType, shown: String)
        case time(TimeRefusal, shown: String)
        /// Beyond 64 bits.
        case tooLarge(shown: String)
        case fraction(shown: String)
        case notFinite(shown: String)
        case below(ClosedRange<Int64>, shown: String)
        case above(ClosedRange<Int64>, shown: String)
    }

    let path: [Step]
    let kind: Kind
    /// JSON of the value, or of the table in which it is missing, where it was asked for.
    let input: ByteBuffer

    /// "value.systolic: number expected, got string".
    var message: String {
        let place = path.reduce(into: "") { place, step in
            switch step {
            case .field(let name): place += place.isEmpty ? name : ".\(name)"
            case .item(let position): place += "[\(position)]"
            case .alternative: break
            }
        }
        return place.isEmpty ? complaint : "\(place): \(complaint)"
    }

    private var complaint: String {
        switch kind {
        case .missing: "required"
        case .type(let type, let got): "\(type.expectation) expected, got \(got)"
        case .value(let type, let shown, let near):
            "\(type.expectation) expected, got \(shown)\(near.map { " (did you mean '\($0)'?)" } ?? "")"
        case .unreadable(let type, let shown): "\(type.expectation) expected, got \(shown)"
        case .time(_, let shown): "\(FieldType.timestamp.expectation) expected, got \(shown)"
        case .tooLarge(let shown): "integer of 64 bits expected, got \(shown)"
        case .fraction(let shown): "integer expected, got \(shown)"
        case .notFinite(let shown): "finite number expected, got \(shown)"
        case .below(let range, let shown), .above(let range, let shown):
            "\(FieldType.integer(range).expectation) expected, got \(shown)"
        }
    }

    /// The issue as FastAPI reports it, below `location`. Positions in a list count from 0 there.
    func validationIssue(below location: [ValidationIssue.Step]) -> ValidationIssue {
        let steps = path.map { step -> ValidationIssue.Step in
            switch step {
            case .field(let name), .alternative(let name): .name(name)
            case .item(let position): .index(position - 1)
            }
        }
        let (type, message, context) = pydantic
        return ValidationIssue(
            type: type, location: location + steps, message: message, input: input, context: context)
    }

    private var pydantic: (type: String, message: String, context: (name: String, value: JSONValue)?) {
        switch kind {
        case .missing: return ("missing", "Field required", nil)
        case .type(.choice(let names), _), .value(.choice(let names), _, _):
            let expected = FieldType.choice(names).pydantic.noun
            return ("enum", "Input should be \(expected)", ("expected", .string(expected)))
        case .type(let type, _), .value(let type, _, _):
            return (type.pydantic.type, "Input should be \(type.pydantic.noun)", nil)
        case .unreadable(.boolean, _):
            return ("bool_parsing", "Input should be a valid boolean, unable to interpret input", nil)
        case .unreadable(.integer, _):
            return ("int_parsing", "Input should be a valid integer, unable to parse string as an integer", nil)
        case .unreadable:
            return ("float_parsing", "Input should be a valid number, unable to parse string as a number", nil)
        case .time(let refusal, _):
            let noun = refusal.isOfDate ? "datetime or date" : "datetime"
            return (
                refusal.isOfDate ? "datetime_from_date_parsing" : "datetime_parsing",
                "Input should be a valid \(noun), \(refusal.rawValue)", ("error", .string(refusal.rawValue))
            )
        case .tooLarge:
            return ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", nil)
        case .fraction:
            return ("int_from_float", "Input should be a valid integer, got a number with a fractional part", nil)
        case .notFinite: return ("finite_number", "Input should be a finite number", nil)
        case .below(let range, _):
            let bound = range.lowerBound
            return (
                "greater_than_equal", "Input should be greater than or equal to \(bound)", ("ge", .integer(bound))
            )
        case .above(let range, _):
            let bound = range.upperBound
            return ("less_than_equal", "Input should be less than or equal to \(bound)", ("le", .integer(bound)))
        }
    }
}
