/// How to reach Redis.
package struct RedisSettings: Sendable, Equatable {
    package let host: String
    package let port: Int
}
