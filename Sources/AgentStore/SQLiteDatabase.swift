import CSQLite

/// One connection to a database file. Confined to one thread at a time.
final class SQLiteDatabase {
    private let handle: OpaquePointer

    /// Opens a file that is there. A writer of another process is waited for so many milliseconds.
    init(path: String, patience: Int32) throws(SQLiteError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let error = SQLiteError(code: code, description: String(cString: sqlite3_errstr(code)))
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, patience)
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    /// No transaction is under way: SQLite takes one back by itself after some errors.
    var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

    /// Runs statements whose results nobody needs.
    func execute(_ sql: String) throws(SQLiteError) {
        try check(sqlite3_exec(handle, sql, nil, nil, nil))
    }

    func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
        guard let statement else { throw SQLiteError(code: SQLITE_MISUSE, description: "no statement") }
        return SQLiteStatement(statement, of: self)
    }

    fileprivate func check(_ code: Int32) throws(SQLiteError) {
        guard code == SQLITE_OK else {
            throw SQLiteError(
                code: sqlite3_extended_errcode(handle), description: String(cString: sqlite3_errmsg(handle)))
        }
    }
}

/// A prepared statement: parameters count from 1, columns from 0.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let database: SQLiteDatabase

    fileprivate init(_ handle: OpaquePointer, of database: SQLiteDatabase) {
        self.handle = handle
        self.database = database
    }

    deinit {
        sqlite3_finalize(handle)
    }

    func bind(_ bytes: [UInt8], at index: Int32) throws(SQLiteError) {
        let code = bytes.withUnsafeBytes { agenthost_bind_bytes(handle, index, $0.baseAddress, Int32($0.count)) }
        try database.check(code)
    }

    func bind(_ number: Int64, at index: Int32) throws(SQLiteError) {
        try database.check(sqlite3_bind_int64(handle, index, number))
    }

    /// True: a row is there.
    func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            try database.check(code)
            return false
        }
    }

    /// Ready for the next run.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
}
