// debug.traceback and debug.getinfo: where code is and what it is called. Nothing here reaches a function, a local or an
// upvalue, of the script or of the host.

#include "bridge.h"

#include <string.h>

/// The thread that a call is about; `shift` is 1 when it was given.
static lua_State *thread_argument(lua_State *L, int *shift) {
    *shift = lua_type(L, 1) == LUA_TTHREAD;
    return *shift ? lua_tothread(L, 1) : L;
}

// MARK: - debug.traceback

/// Frames shown at the top and at the bottom of a deep stack, as luaL_traceback has them.
#define TOP 10
#define BOTTOM 11

static int depth_of(lua_State *L) {
    lua_Debug frame;
    int low = 1;
    int high = 1;
    while (lua_getstack(L, high, &frame)) {
        low = high;
        high *= 2;
    }
    while (low < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &frame)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high - 1;
}

static void add_frame(lua_State *L, luaL_Buffer *text, const lua_Debug *frame) {
    if (frame->currentline > 0) {
        lua_pushfstring(L, "\n\t%s:%d: in ", frame->short_src, frame->currentline);
    } else {
        lua_pushfstring(L, "\n\t%s: in ", frame->short_src);
    }
    luaL_addvalue(text);
    if (*frame->namewhat != 0) {
        bool global = strcmp(frame->namewhat, "global") == 0;
        lua_pushfstring(L, "%s '%s'", global ? "function" : frame->namewhat, frame->name);
    } else if (*frame->what == 'm') {
        lua_pushliteral(L, "main chunk");
    } else if (*frame->what == 'C') {
        lua_pushliteral(L, "?");
    } else {
        lua_pushfstring(L, "function <%s:%d>", frame->short_src, frame->linedefined);
    }
    luaL_addvalue(text);
    if (frame->istailcall) {
        luaL_addstring(text, "\n\t(...tail calls...)");
    }
}

static int debug_traceback(lua_State *L) {
    int shift;
    lua_State *of = thread_argument(L, &shift);
    if (!lua_isnoneornil(L, shift + 1) && !lua_isstring(L, shift + 1)) {
        lua_pushvalue(L, shift + 1);
        return 1;
    }
    int level = (int)luaL_optinteger(L, shift + 2, of == L ? 1 : 0);
    lb_charge(L, lb_host_at(L), 1000);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    if (!lua_isnoneornil(L, shift + 1)) {
        lua_pushvalue(L, shift + 1);
        luaL_addvalue(&text);
        luaL_addchar(&text, '\n');
    }
    luaL_addstring(&text, "stack traceback:");
    int last = depth_of(of);
    int skip_from = last - level > TOP + BOTTOM ? level + TOP : -1;
    lua_Debug frame;
    while (lua_getstack(of, level, &frame)) {
        if (level == skip_from) {
            lua_pushfstring(L, "\n\t...\t(skipping %d levels)", last - level - BOTTOM + 1);
            luaL_addvalue(&text);
            level = last - BOTTOM + 1;
            continue;
        }
        lua_getinfo(of, "Slnt", &frame);
        add_frame(L, &text, &frame);
        level++;
    }
    luaL_pushresult(&text);
    return 1;
}

// MARK: - debug.getinfo

static void set_text(lua_State *L, const char *field, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static void set_line(lua_State *L, const char *field, int line) {
    lua_pushinteger(L, line);
    lua_setfield(L, -2, field);
}

static int debug_getinfo(lua_State *L) {
    int shift;
    lua_State *of = thread_argument(L, &shift);
    const char *options = luaL_optstring(L, shift + 2, "Snl");
    luaL_argcheck(L, options[strspn(options, "SnlfurtL")] == 0, shift + 2, "invalid option");
    lb_charge(L, lb_host_at(L), 100);
    lua_Debug frame;
    memset(&frame, 0, sizeof frame);
    if (lua_isfunction(L, shift + 1)) {
        lua_settop(L, shift + 1);
        lua_getinfo(L, ">Sl", &frame);
    } else {
        lua_Integer level = luaL_checkinteger(L, shift + 1);
        if (level < 0 || level > 1000000 || !lua_getstack(of, (int)level, &frame)) {
            luaL_pushfail(L);
            return 1;
        }
        lua_getinfo(of, "Snl", &frame);
    }
    lua_createtable(L, 0, 6);
    if (strchr(options, 'S') != NULL) {
        lua_pushlstring(L, frame.source, frame.srclen);
        lua_setfield(L, -2, "source");
        set_text(L, "short_src", frame.short_src);
        set_text(L, "what", frame.what);
        set_line(L, "linedefined", frame.linedefined);
    }
    if (strchr(options, 'l') != NULL) {
        set_line(L, "currentline", frame.currentline);
    }
    if (strchr(options, 'n') != NULL && frame.name != NULL) {
        set_text(L, "name", frame.name);
    }
    return 1;
}

// MARK: - Opening

/// Libraries look whether a function is there; an agent's own file that reads one means to use it. The library's name,
/// and what to say, are upvalues.
static int absent_function(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING || !lb_reads_strictly(L)) {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(3));
        return 1;
    }
    const char *library = lua_tostring(L, lua_upvalueindex(1));
    const char *name = lua_tostring(L, 2);
    const char *advice = lb_advice_on_function(library, name);
    return luaL_error(
        L, "there is no %s.%s: %s", library, name, advice != NULL ? advice : lua_tostring(L, lua_upvalueindex(2)));
}

void lb_refuse_absent_functions(lua_State *L, const char *library, const char *advice) {
    lua_pushstring(L, library);
    lua_insert(L, -2);
    lua_pushstring(L, advice);
    lua_insert(L, -2);
    lua_pushcclosure(L, absent_function, 3);
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

void lb_open_debug_library(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"getinfo", debug_getinfo}, {"traceback", debug_traceback}, {NULL, NULL}};
    luaL_newlib(L, functions);
    // Libraries mean the metatables of their own objects: they get them as everybody does, protected ones not.
    lua_createtable(L, 0, 2);
    lua_getglobal(L, "getmetatable");
    lua_setfield(L, -2, "getmetatable");
    lua_getglobal(L, "setmetatable");
    lua_setfield(L, -2, "setmetatable");
    lb_refuse_absent_functions(L, LUA_DBLIBNAME, "an agent has debug.traceback and debug.getinfo");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_DBLIBNAME);
    lua_settop(L, -2);
    lua_setglobal(L, LUA_DBLIBNAME);
}
