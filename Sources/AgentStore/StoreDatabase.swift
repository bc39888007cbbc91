import AgentModel

/// The table of a store in an open database.
final class StoreDatabase {
    /// Beside the table it says that the file is a store, and of which version.
    private static let applicationID = 0x6167_7374
    private static let version: Int64 = 1

    private let database: SQLiteDatabase
    private let getting: SQLiteStatement
    private let setting: SQLiteStatement
    private let deleting: SQLiteStatement
    private let listing: SQLiteStatement

    /// - Parameter largest: pages that the file may have; nil for as many as the disk holds.
    init(path: String, largest: Int?) throws(SQLiteError) {
        let database = try SQLiteDatabase(path: path, patience: 5000)
        // Durable once COMMIT has returned, readers beside a writer; other processes may be doing the same.
        try Self.patiently { () throws(SQLiteError) in try database.execute("PRAGMA journal_mode = WAL") }
        try database.execute("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF")
        if let largest { try database.execute("PRAGMA max_page_count = \(largest)") }
        try Self.makeTable(in: database)
        self.database = database
        getting = try database.prepare("SELECT kind, value FROM entries WHERE key = ?1")
        setting = try database.prepare(
            "INSERT INTO entries (key, kind, value) VALUES (?1, ?2, ?3) "
                + "ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, value = excluded.value")
        deleting = try database.prepare("DELETE FROM entries WHERE key = ?1")
        listing = try database.prepare(
            "SELECT key FROM entries WHERE key >= ?1 AND (?2 = 0 OR key < ?3) ORDER BY key")
    }

    /// Changing to a write-ahead log needs the file for a moment to itself, and SQLite does not wait for that by itself.
    private static func patiently(_ body: () throws(SQLiteError) -> Void) throws(SQLiteError) {
        let end = ContinuousClock.now + .seconds(5)
        while true {
            do throws(SQLiteError) {
                return try body()
            } catch {
                guard error.isBusy, ContinuousClock.now < end else { throw error }
                pause()
            }
        }
    }

    private static func makeTable(in database: SQLiteDatabase) throws(SQLiteError) {
        if try number("PRAGMA user_version", in: database) == 0 {
            try database.execute("BEGIN IMMEDIATE")
            if try number("PRAGMA user_version", in: database) == 0 {
                try database.execute(
                    """
                    CREATE TABLE entries (key BLOB NOT NULL PRIMARY KEY, kind INTEGER NOT NULL, value BLOB NOT NULL);
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(version);
                    """)
            }
            try database.execute("COMMIT")
        }
        let (found, application) = (
            try number("PRAGMA user_version", in: database), try number("PRAGMA application_id", in: database)
        )
        guard application == Int64(applicationID) else {
            throw SQLiteError(code: 0, description: "it is a database, but no store of agenthost")
        }
        guard found == version else {
            throw SQLiteError(code: 0, description: "it is of version \(found), which a newer agenthost has made")
        }
    }

    private static func number(_ sql: String, in database: SQLiteDatabase) throws(SQLiteError) -> Int64 {
        let statement = try database.prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    // MARK: Transactions

    func begin() throws(SQLiteError) { try database.execute("BEGIN IMMEDIATE") }
    func commit() throws(SQLiteError) { try database.execute("COMMIT") }

    /// Takes back what has been done since `begin`, unless that has happened already.
    func rollBack() {
        if !database.isIdle { try? database.execute("ROLLBACK") }
    }

    // MARK: Entries

    /// Fails without an error of SQLite's for what the request itself does not allow.
    func perform(_ request: StoreRequest) throws(SQLiteError) -> Result<StoreAnswer, DeliveryFailure> {
        switch request {
        case .get(let key): return .success(.value(try value(of: key)))
        case .set(let key, let value):
            try set(key, value)
            return .success(.done)
        case .delete(let key):
            defer { deleting.reset() }
            try deleting.bind(key, at: 1)
            _ = try deleting.step()
            return .success(.done)
        case .add(let key, let number):
            switch StoreValue.sum(of: try value(of: key), and: number) {
            case .failure(let failure): return .failure(failure)
            case .success(let sum):
                try set(key, sum.value)
                return .success(.number(sum))
            }
        case .keys(let prefix): return try keys(prefix)
        }
    }

    private func value(of key: [UInt8]) throws(SQLiteError) -> StoreValue? {
        defer { getting.reset() }
        try getting.bind(key, at: 1)
        guard try getting.step() else { return nil }
        guard let kind = StoreValue.Kind(rawValue: getting.integer(0)) else {
            throw SQLiteError(code: 0, description: "a value is of a kind that a newer agenthost has written")
        }
        return StoreValue(kind: kind, bytes: getting.bytes(1))
    }

    private func set(_ key: [UInt8], _ value: StoreValue) throws(SQLiteError) {
        defer { setting.reset() }
        try setting.bind(key, at: 1)
        try setting.bind(value.kind.rawValue, at: 2)
        try setting.bind(value.bytes, at: 3)
        _ = try setting.step()
    }

    private func keys(_ prefix: [UInt8]) throws(SQLiteError) -> Result<StoreAnswer, DeliveryFailure> {
        defer { listing.reset() }
        // The first key behind all of the prefix; there is none when it is empty or all ones.
        var end = prefix
        while end.last == 0xFF { end.removeLast() }
        if let last = end.last { end[end.count - 1] = last + 1 }
        try listing.bind(prefix, at: 1)
        try listing.bind(end.isEmpty ? 0 : 1, at: 2)
        try listing.bind(end, at: 3)
        var keys: [[UInt8]] = []
        var size = 0
        while try listing.step() {
            let key = listing.bytes(0)
            size += key.count
            guard size <= StoreLimits.keys else {
                return .failure(DeliveryFailure("there are too many keys for one list: ask with a longer prefix"))
            }
            keys.append(key)
        }
        return .success(.keys(keys))
    }
}
