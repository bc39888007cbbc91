// find, match, gmatch, rep and format, charged to the budget. They follow lstrlib.c of Lua 5.4 (Copyright 1994-2022
// Lua.org, PUC-Rio; MIT licence) in results and messages.

#define _GNU_SOURCE  // memmem

#include "pattern.h"

#include <limits.h>
#include <string.h>

#define ESCAPE '%'

/// A start position as scripts give it (from 1, or negative from the end) as an offset from 0; may lie past the end.
static size_t start_offset(lua_Integer position, size_t length) {
    if (position > 0) {
        return (size_t)position - 1;
    }
    return position == 0 || position < -(lua_Integer)length ? 0 : length - (size_t)-position;
}

static bool is_plain(const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] != 0 && strchr("^$*+?.([%-", pattern[i]) != NULL) {
            return false;
        }
    }
    return true;
}

// MARK: - find and match

/// Up to this length memmem compares a needle at every place, in the worst case; beyond it it is the two-way algorithm,
/// linear but 10 to 20 ns a byte (measured).
#define SHORT_NEEDLE 256
/// Bytes of a haystack between two looks at the clock: 16 ms with the worst of short needles.
#define WINDOW ((size_t)1 << 20)

/// The first occurrence of a needle, or NULL.
static const char *find_plain(lua_State *L, lb_host *host, const char *from, size_t length, const char *needle,
                              size_t needle_length) {
    size_t window = needle_length > WINDOW ? needle_length : WINDOW;
    for (;;) {
        // Every window ends with as much of the next as a needle that begins in it may need.
        size_t searched = length - needle_length > window && length > needle_length ? window + needle_length : length;
        lb_charge(L, host, 1 + (needle_length > SHORT_NEEDLE ? searched * 2 : searched / 8));
        const char *found = memmem(from, searched, needle, needle_length);
        if (found != NULL || searched == length) {
            return found;
        }
        from += window;
        length -= window;
    }
}

static int find_or_match(lua_State *L, bool find) {
    size_t length;
    size_t pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = start_offset(luaL_optinteger(L, 3, 1), length);
    if (start > length) {
        luaL_pushfail(L);
        return 1;
    }
    lb_host *host = lb_host_at(L);
    lb_charge(L, host, 1 + pattern_length / 8);
    if (find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_length))) {
        const char *found = find_plain(L, host, subject + start, length - start, pattern, pattern_length);
        if (found == NULL) {
            luaL_pushfail(L);
            return 1;
        }
        lua_pushinteger(L, found - subject + 1);
        lua_pushinteger(L, found - subject + (ptrdiff_t)pattern_length);
        return 2;
    }
    bool anchored = *pattern == '^';
    if (anchored) {
        pattern++;
        pattern_length--;
    }
    struct lb_matcher matcher;
    lb_matcher_init(&matcher, L, subject, length, pattern, pattern_length);
    const char *from = subject + start;
    do {
        lb_charge(L, host, 1);
        const char *end = lb_match(&matcher, from, pattern);
        if (end != NULL) {
            if (!find) {
                return lb_push_captures(&matcher, from, end);
            }
            lua_pushinteger(L, from - subject + 1);
            lua_pushinteger(L, end - subject);
            return lb_push_captures(&matcher, NULL, NULL) + 2;
        }
    } while (from++ < matcher.subject_end && !anchored);
    luaL_pushfail(L);
    return 1;
}

static int string_find(lua_State *L) {
    return find_or_match(L, true);
}

static int string_match(lua_State *L) {
    return find_or_match(L, false);
}

// MARK: - gmatch

struct iteration {
    const char *from;
    const char *pattern;
    const char *last_end;
    struct lb_matcher matcher;
};

static int next_match(lua_State *L) {
    struct iteration *iteration = lua_touserdata(L, lua_upvalueindex(3));
    struct lb_matcher *matcher = &iteration->matcher;
    matcher->L = L;
    for (const char *from = iteration->from; from <= matcher->subject_end; from++) {
        lb_charge(L, matcher->host, 1);
        const char *end = lb_match(matcher, from, iteration->pattern);
        if (end != NULL && end != iteration->last_end) {
            iteration->from = iteration->last_end = end;
            return lb_push_captures(matcher, from, end);
        }
    }
    return 0;
}

static int string_gmatch(lua_State *L) {
    size_t length;
    size_t pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = start_offset(luaL_optinteger(L, 3, 1), length);
    lua_settop(L, 2);  // The closure keeps both strings alive.
    struct iteration *iteration = lua_newuserdatauv(L, sizeof *iteration, 0);
    lb_matcher_init(&iteration->matcher, L, subject, length, pattern, pattern_length);
    iteration->from = subject + (start > length ? length + 1 : start);
    iteration->pattern = pattern;
    iteration->last_end = NULL;
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

// MARK: - rep

/// Bytes copied between two charges.
#define PIECE ((size_t)64 << 10)

static int string_rep(lua_State *L) {
    size_t length;
    size_t separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    if (count <= 0 || length + separator_length == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (length + separator_length > INT_MAX / (size_t)count) {
        return luaL_error(L, "resulting string too large");
    }
    size_t total = (size_t)count * length + (size_t)(count - 1) * separator_length;
    lb_host *host = lb_host_at(L);
    if (total > host->limit || host->used + 2 * total > host->limit) {
        // Lua grows its buffers without collecting first: make room, or let the allocator refuse.
        lua_gc(L, LUA_GCCOLLECT);
    }
    luaL_Buffer result;
    char *to = luaL_buffinitsize(L, &result, total);
    // One copy, and then what there is once more, until all is there.
    memcpy(to, text, length);
    memcpy(to + length, separator, total > length ? separator_length : 0);
    for (size_t done = length + separator_length; done < total;) {
        size_t more = done < PIECE ? done : PIECE - PIECE % (length + separator_length);
        more = more == 0 ? length + separator_length : more;
        more = more < total - done ? more : total - done;
        lb_charge(L, host, 1 + more / 32);
        memcpy(to + done, to, more);
        done += more;
    }
    luaL_pushresultsize(&result, total);
    return 1;
}

// MARK: - format

/// What a conversion costs at most, in units: "%.99f" of 1e308 makes 408 characters in 3 µs. Few of them are not worth
/// so much caution.
#define CONVERSION 300
#define FEW_CONVERSIONS 100

static int string_format(lua_State *L) {
    size_t length;
    const char *format = luaL_checklstring(L, 1, &length);
    size_t conversions = 0;
    size_t quoted = 0;
    for (const char *at = format; (at = memchr(at, ESCAPE, length - (size_t)(at - format))) != NULL; at++) {
        conversions++;
    }
    if (memchr(format, 'q', length) != NULL) {
        quoted = 10;  // A control character becomes four, in 100 ns.
    }
    size_t units = length / 4 + (conversions > FEW_CONVERSIONS ? conversions * CONVERSION : conversions);
    for (int i = lua_gettop(L); i > 1; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            units += lua_rawlen(L, i) / 5 + lua_rawlen(L, i) * quoted;
        }
    }
    lb_charge(L, lb_host_at(L), units);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

// MARK: - Opening

static const luaL_Reg functions[] = {
    {"find", string_find},   {"gmatch", string_gmatch}, {"gsub", lb_string_gsub},
    {"match", string_match}, {"rep", string_rep},       {NULL, NULL},
};

void lb_open_string_library(lua_State *L) {
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_setfuncs(L, functions, 0);
    lua_getfield(L, -1, "format");
    lua_pushcclosure(L, string_format, 1);
    lua_setfield(L, -2, "format");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_settop(L, -2);
}
