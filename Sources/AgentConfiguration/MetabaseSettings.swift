/// How to reach Metabase.
package struct MetabaseSettings: Sendable, Equatable {
    package let url: String
    package let user: String?
    package let password: Secret?
    package let apiKey: Secret?
    /// The id Metabase gave the platform's database.
    package let databaseID: String?
}
