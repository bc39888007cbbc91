/// How to reach Lenses.
package struct LensesSettings: Sendable, Equatable {
    package let url: String
    package let user: String?
    package let password: Secret?
    package let apiKey: Secret?
    /// The address of its WebSocket API.
    package let webSocketURL: String?
}
