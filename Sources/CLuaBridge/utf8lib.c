// utf8.codes, which in Lua 5.4.4 passes over continuation bytes that belong to no character; the rest is Lua's own. It
// follows lutf8lib.c of Lua 5.4.8 (Copyright 1994-2025 Lua.org, PUC-Rio; MIT licence) in results and messages.

#include "bridge.h"

#define INVALID "invalid UTF-8 code"

static bool is_continuation(char byte) {
    return (byte & 0xC0) == 0x80;
}

/// Reads one character of up to six bytes; its end, or NULL for what is none. The zero that ends every Lua string ends a
/// character too.
static const char *decode(const char *text, bool strict, unsigned *code) {
    static const unsigned least[] = {~0u, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    unsigned lead = (unsigned char)*text;
    unsigned value = lead;
    if (lead >= 0x80) {
        int count = 0;
        for (value = 0; (lead & 0x40) != 0; lead <<= 1) {
            if (!is_continuation(text[++count])) {
                return NULL;
            }
            value = value << 6 | (text[count] & 0x3F);
        }
        value |= (lead & 0x7F) << (count * 5);
        if (count > 5 || value > 0x7FFFFFFF || value < least[count]) {
            return NULL;
        }
        text += count;
    }
    if (strict && (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))) {
        return NULL;
    }
    *code = value;
    return text + 1;
}

static int next_code(lua_State *L, bool strict) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Unsigned at = (lua_Unsigned)lua_tointeger(L, 2);
    if (at < length) {
        while (is_continuation(text[at])) {
            at++;
        }
    }
    if (at >= length) {
        return 0;
    }
    unsigned code;
    const char *next = decode(text + at, strict, &code);
    if (next == NULL || is_continuation(*next)) {
        return luaL_error(L, INVALID);
    }
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_pushinteger(L, code);
    return 2;
}

static int next_strict(lua_State *L) {
    return next_code(L, true);
}

static int next_lax(lua_State *L) {
    return next_code(L, false);
}

static int utf8_codes(lua_State *L) {
    luaL_argcheck(L, !is_continuation(*luaL_checkstring(L, 1)), 1, INVALID);
    lua_pushcfunction(L, lua_toboolean(L, 2) ? next_lax : next_strict);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

void lb_mend_utf8_library(lua_State *L) {
    lua_pushcfunction(L, utf8_codes);
    lua_setfield(L, -2, "codes");
}
