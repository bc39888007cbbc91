import CSQLite

/// What SQLite has against something, with the code that says of which kind it is.
struct SQLiteError: Error, CustomStringConvertible {
    /// The extended result code.
    let code: Int32
    /// SQLite's own words; a value or a key is never among them.
    let description: String

    private var kind: Int32 { code & 0xFF }

    /// The disk or the memory was not enough: for what was asked for, which may have been much.
    var isOfResources: Bool { [SQLITE_FULL, SQLITE_IOERR, SQLITE_NOMEM, SQLITE_TOOBIG].contains(kind) }

    /// The connection is of no use any more: the file is broken, or another one.
    var isOfFile: Bool {
        [SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_READONLY].contains(kind)
    }

    var isBusy: Bool { kind == SQLITE_BUSY }
}
