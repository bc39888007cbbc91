#ifndef AGENTHOST_CSQLITE_SHIM_H
#define AGENTHOST_CSQLITE_SHIM_H

#include <sqlite3.h>

/// Binds bytes of which SQLite makes a copy; an empty value, not NULL, for none. SQLITE_TRANSIENT is a cast that Swift cannot
/// write.
static inline int agenthost_bind_bytes(sqlite3_stmt *statement, int index, const void *bytes, int length) {
    return sqlite3_bind_blob(statement, index, length == 0 ? "" : bytes, length, SQLITE_TRANSIENT);
}

#endif
