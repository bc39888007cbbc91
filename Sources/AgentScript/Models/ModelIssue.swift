import AgentModel
import NIOCore

/// One thing that is wrong with what a model was given, for scripts in Lua's words and for clients in pydantic's.
struct ModelIssue {
    /// A step on the way from the model to the value.
    enum Step {
        case field(String)
        /// From 1, as Lua counts.
        case item(Int)
    }

    enum Kind {
        case missing
        /// A value of another type.
        case type(FieldType, got: String)
        /// Not one of the texts, or not a time at all; `shown` is the value, `near` the text that was probably meant.
        case value(FieldType, shown: String, near: String?)
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
        case .fraction(let shown): "integer expected, got \(shown)"
        case .notFinite(let shown): "finite number expected, got \(shown)"
        case .below(let range, let shown), .above(let range, let shown):
            "\(FieldType.integer(range).expectation) expected, got \(shown)"
        }
    }

    /// The issue as FastAPI reports it, below `location`. Positions in a list count from 0 there.
    func validationIssue(below location: [String]) -> ValidationIssue {
        let steps = path.map { step in
            switch step {
            case .field(let name): name
            case .item(let position): String(position - 1)
            }
        }
        let (type, message) = pydantic
        return ValidationIssue(type: type, location: location + steps, message: message, input: input)
    }

    private var pydantic: (type: String, message: String) {
        switch kind {
        case .missing: ("missing", "Field required")
        case .type(let type, _): (type.pydantic.type, "Input should be \(type.pydantic.noun)")
        case .value(.timestamp, _, _): ("datetime_parsing", "Input should be a valid datetime, it is not ISO 8601")
        case .value(let type, _, _): (type.pydantic.type, "Input should be \(type.pydantic.noun)")
        case .fraction:
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
        case .notFinite: ("finite_number", "Input should be a finite number")
        case .below(let range, _):
            ("greater_than_equal", "Input should be greater than or equal to \(range.lowerBound)")
        case .above(let range, _): ("less_than_equal", "Input should be less than or equal to \(range.upperBound)")
        }
    }
}
