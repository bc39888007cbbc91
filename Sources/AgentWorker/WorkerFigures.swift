/// What there is on a worker at one moment.
package struct WorkerFigures: Sendable {
    package struct Agent: Sendable {
        package var name: String
        /// Bytes that its Lua states occupy, those of versions that are leaving included.
        package var luaMemory: Int
        /// Versions that have something to do: the one in service, one that is loading, and those that are leaving.
        package var versions: Int
        package var runningTasks: Int
        /// Waiting for one of the `MAX_CONCURRENT_TASKS`.
        package var queuedTasks: Int
    }

    /// Messages whose handlers run or wait, or of whose effects some are not acknowledged.
    package var messagesUnderWay: Int
    /// Those in service.
    package var agents: [Agent]
}
