// gsub, charged to the budget. It follows lstrlib.c of Lua 5.4 (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence) in
// results and messages.

#include "pattern.h"

#include <ctype.h>
#include <string.h>

#define ESCAPE '%'

static void add_template(struct lb_matcher *matcher, luaL_Buffer *result, const char *start, const char *end) {
    lua_State *L = matcher->L;
    size_t length;
    const char *text = lua_tolstring(L, 3, &length);
    const char *escape;
    lb_charge(L, matcher->host, 1 + length / 32);
    while ((escape = memchr(text, ESCAPE, length)) != NULL) {
        luaL_addlstring(result, text, (size_t)(escape - text));
        escape++;
        if (*escape == ESCAPE) {
            luaL_addchar(result, *escape);
        } else if (*escape == '0') {
            lb_charge(L, matcher->host, (size_t)(end - start) / 32);
            luaL_addlstring(result, start, (size_t)(end - start));
        } else if (isdigit((unsigned char)*escape)) {
            const char *capture;
            ptrdiff_t captured = lb_capture(matcher, *escape - '1', start, end, &capture);
            if (captured == LB_CAPTURE_POSITION) {
                luaL_addvalue(result);
            } else {
                lb_charge(L, matcher->host, (size_t)captured / 32);
                luaL_addlstring(result, capture, (size_t)captured);
            }
        } else {
            luaL_error(L, "invalid use of '%c' in replacement string", ESCAPE);
        }
        length -= (size_t)(escape + 1 - text);
        text = escape + 1;
    }
    luaL_addlstring(result, text, length);
}

/// Adds what replaces the match. False when the script chose to keep the original text.
static bool add_replacement(struct lb_matcher *matcher, luaL_Buffer *result, const char *start, const char *end,
                            int kind) {
    lua_State *L = matcher->L;
    if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        int count = lb_push_captures(matcher, start, end);
        lua_call(L, count, 1);
    } else if (kind == LUA_TTABLE) {
        lb_push_capture(matcher, 0, start, end);
        lua_gettable(L, 3);
    } else {
        add_template(matcher, result, start, end);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_settop(L, -2);
        luaL_addlstring(result, start, (size_t)(end - start));
        return false;
    }
    if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(result);
    return true;
}

int lb_string_gsub(lua_State *L) {
    size_t length;
    size_t pattern_length;
    const char *from = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    const char *last_end = NULL;
    int kind = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1);
    luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
                     "string/function/table");
    bool anchored = *pattern == '^';
    if (anchored) {
        pattern++;
        pattern_length--;
    }
    bool changed = false;
    lua_Integer count = 0;
    struct lb_matcher matcher;
    lb_matcher_init(&matcher, L, from, length, pattern, pattern_length);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    while (count < most) {
        lb_charge(L, matcher.host, 1);
        const char *end = lb_match(&matcher, from, pattern);
        if (end != NULL && end != last_end) {
            count++;
            changed = add_replacement(&matcher, &result, from, end, kind) || changed;
            from = last_end = end;
        } else if (from < matcher.subject_end) {
            luaL_addchar(&result, *from++);
        } else {
            break;
        }
        if (anchored) {
            break;
        }
    }
    if (changed) {
        luaL_addlstring(&result, from, (size_t)(matcher.subject_end - from));
        luaL_pushresult(&result);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}
