// Compiling under a budget.
//
// The parser of Lua 5.4.4 has loops that take time in proportion to what came before: a jump list is walked to its end
// for every `elseif`, labels and pending gotos are looked through for every new one. So the source is handed over in
// small pieces, and the clock is looked at before each. What lies between two looks is at most as many such walks as a
// piece has tokens, each over what could be compiled in the budget.

#include "bridge.h"

#include <stdio.h>
#include <string.h>

/// Bytes of source between two looks at the clock.
#define PIECE 256

struct source {
    lua_Reader read;
    void *context;
    const char *name;
    /// What the reader gave and the parser has not had yet.
    const char *bytes;
    size_t length;
    /// Of the last piece that the parser had.
    int line;
    int lines_in_piece;
};

/// Writes "file:line: " of the last piece, as luaO_chunkid of lobject.c shows the name of a chunk.
static void write_source_position(const struct source *source, char *buffer, size_t size) {
    if (*source->name == '@' || *source->name == '=') {
        snprintf(buffer, size, "%.60s:%d: ", source->name + 1, source->line);
    } else {
        int length = (int)strcspn(source->name, "\n");
        bool whole = source->name[length] == 0 && length <= 40;
        snprintf(buffer, size, "[string \"%.*s%s\"]:%d: ", length > 40 ? 40 : length, source->name,
                 whole ? "" : "...", source->line);
    }
}

static const char *read_piece(lua_State *L, void *context, size_t *size) {
    struct source *source = context;
    lb_host *host = lb_host_at(L);
    source->line += source->lines_in_piece;
    source->lines_in_piece = 0;
    if (lb_overdue(host, L, 0)) {
        if (host->spent_where[0] == 0) {
            // No script asked for it: it is a script that loads.
            write_source_position(source, host->spent_where, sizeof host->spent_where);
        }
        lb_charge_slowly(L, host, 0);
    }
    if (source->length == 0 && source->read != NULL) {
        source->bytes = source->read(L, source->context, &source->length);
    }
    if (source->bytes == NULL || source->length == 0) {
        *size = 0;
        return NULL;
    }
    // A piece ends with a line, so that the line is known when something fails.
    const char *piece = source->bytes;
    const char *end = memchr(piece, '\n', source->length < PIECE ? source->length : PIECE);
    *size = end != NULL ? (size_t)(end - piece) + 1 : source->length < PIECE ? source->length : PIECE;
    source->lines_in_piece = end != NULL;
    source->bytes += *size;
    source->length -= *size;
    return piece;
}

/// The parser's complaints about the text have a position; those about its own limits (nesting, labels, functions) come
/// without one.
static void place_message(lua_State *L, const struct source *source) {
    char where[LB_WHERE_SIZE];
    write_source_position(source, where, sizeof where);
    const char *message = lua_tostring(L, -1);
    bool nested = message == NULL || strstr(message, "C stack overflow") != NULL;
    lua_pushfstring(L, "%s%s", where, nested ? "blocks, functions or brackets are nested too deep" : message);
    lua_replace(L, -2);
}

int lb_load(lua_State *L, lua_Reader read, void *context, const char *name) {
    struct source source = {.read = read, .context = context, .name = name, .line = 1};
    int status = lua_load(L, read_piece, &source, name, "t");
    return status == LUA_OK ? lb_mend_compiled(L, name) : status;
}

int lb_load_text(lua_State *L, const char *text, size_t length, const char *name) {
    struct source source = {.name = name, .bytes = text, .length = length, .line = 1};
    int status = lua_load(L, read_piece, &source, name, "t");
    if (status == LUA_ERRRUN && !lb_host_at(L)->spent) {
        place_message(L, &source);
    }
    return status == LUA_OK ? lb_mend_compiled(L, name) : status;
}
