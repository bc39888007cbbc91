/// A named part of a model.
struct ModelField: Sendable, Equatable {
    /// What a field becomes that is not given.
    enum Absence: Sendable, Equatable {
        /// An error.
        case refused
        /// Not there either.
        case allowed
        /// A new UUID.
        case identifier
        /// The time now.
        case now
        case integer(Int64)
        case string(String)
        case boolean(Bool)
        case emptyTable
    }

    let name: String
    let type: FieldType
    let absence: Absence

    init(_ name: String, _ type: FieldType, absent absence: Absence = .refused) {
        self.name = name
        self.type = type
        self.absence = absence
    }
}
