// Functions of Lua's own, charged for their arguments.

#include "bridge.h"

/// What a call costs per byte of its strings, in nanoseconds: every function that takes a number converts a string that
/// is given instead. 3 is what `tonumber` takes a byte, and more than copying does.
enum {
    CONVERTED = 3,
    /// string.pack and the like, a byte of their format.
    PACKED = 10,
    /// os.date: `%c`, two bytes, takes about 1 µs.
    DATED = 500,
};

/// Nanoseconds an argument.
#define ARGUMENT 40

static int call_charged(lua_State *L) {
    size_t bytes = 0;
    int count = lua_gettop(L);
    for (int i = count; i > 0; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes += lua_rawlen(L, i);
        }
    }
    size_t cost = bytes * (size_t)lua_tointeger(L, lua_upvalueindex(2)) + (size_t)count * ARGUMENT;
    lb_charge(L, lb_host_at(L), cost / 10);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// string.sub, string.byte and utf8.codepoint look at a place of the string only, the others at most at all of it.
static int call_charged_rest(lua_State *L) {
    size_t bytes = 0;
    for (int i = lua_gettop(L); i > 1; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes += lua_rawlen(L, i);
        }
    }
    lb_charge(L, lb_host_at(L), 4 + bytes * CONVERTED / 10);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// utf8.len(s, i, j) looks at the bytes from i to j.
static int call_charged_span(lua_State *L) {
    size_t length = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    lua_Integer first = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 1;
    lua_Integer last = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : -1;
    size_t begin = first < 0 ? (-first > (lua_Integer)length ? 0 : length - (size_t)-first) : (size_t)first;
    size_t end = last < 0 ? (-last > (lua_Integer)length ? 0 : length - (size_t)-last) : (size_t)last;
    end = end < length ? end : length;
    lb_charge(L, lb_host_at(L), end > begin ? (end - begin) * CONVERTED / 10 : 0);
    return call_charged_rest(L);
}

/// utf8.offset(s, n, i) goes over n characters.
static int call_charged_steps(lua_State *L) {
    size_t length = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    lua_Integer count = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
    lua_Unsigned steps = count < 0 ? 0 - (lua_Unsigned)count : (lua_Unsigned)count;
    lb_charge(L, lb_host_at(L), (steps < length / 4 ? (size_t)steps * 4 : length) * CONVERTED / 10);
    return call_charged_rest(L);
}

/// Replaces a function of the library on top of the stack.
static void wrap(lua_State *L, const char *name, lua_CFunction wrapper) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, wrapper, 1);
    lua_setfield(L, -2, name);
}

struct charged {
    const char *name;
    int cost;
};

/// Charges functions of the library on top of the stack.
static void charge_functions(lua_State *L, const struct charged *functions) {
    for (; functions->name != NULL; functions++) {
        lua_getfield(L, -1, functions->name);
        lua_pushinteger(L, functions->cost);
        lua_pushcclosure(L, call_charged, 2);
        lua_setfield(L, -2, functions->name);
    }
}

void lb_charge_library(lua_State *L) {
    int library = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, library) != 0; lua_settop(L, library + 1)) {
        if (lua_iscfunction(L, library + 2) && lua_getupvalue(L, library + 2, 1) == NULL) {
            lua_pushvalue(L, library + 1);
            lua_pushvalue(L, library + 2);
            lua_pushinteger(L, CONVERTED);
            lua_pushcclosure(L, call_charged, 2);
            lua_rawset(L, library);
        }
    }
}

static const struct charged base_functions[] = {{"select", 0}, {"tonumber", CONVERTED}, {NULL, 0}};
static const struct charged string_functions[] = {
    {"char", CONVERTED},    {"lower", CONVERTED},  {"pack", PACKED},     {"packsize", PACKED},
    {"reverse", CONVERTED}, {"unpack", CONVERTED}, {"upper", CONVERTED}, {NULL, 0},
};
static const struct charged utf8_functions[] = {{"char", CONVERTED}, {"codes", 0}, {NULL, 0}};
static const struct charged table_functions[] = {{"pack", 0}, {NULL, 0}};
/// What arithmetic does when an operand is a string.
static const struct charged string_metamethods[] = {
    {"__add", CONVERTED},  {"__sub", CONVERTED}, {"__mul", CONVERTED}, {"__mod", CONVERTED}, {"__pow", CONVERTED},
    {"__div", CONVERTED}, {"__idiv", CONVERTED}, {"__unm", CONVERTED}, {NULL, 0},
};
static const struct charged os_functions[] = {
    {"clock", 0}, {"date", DATED}, {"difftime", CONVERTED}, {"time", CONVERTED}, {NULL, 0},
};

void lb_charge_utf8_library(lua_State *L) {
    wrap(L, "codepoint", call_charged_rest);
    wrap(L, "len", call_charged_span);
    wrap(L, "offset", call_charged_steps);
    charge_functions(L, utf8_functions);
}

void lb_charge_base_library(lua_State *L) {
    charge_functions(L, base_functions);
}

void lb_charge_string_library(lua_State *L) {
    wrap(L, "byte", call_charged_rest);
    wrap(L, "sub", call_charged_rest);
    charge_functions(L, string_functions);
}

void lb_charge_string_metatable(lua_State *L) {
    charge_functions(L, string_metamethods);
}

void lb_charge_table_library(lua_State *L) {
    charge_functions(L, table_functions);
}

void lb_charge_os_library(lua_State *L) {
    lua_createtable(L, 0, 4);
    for (int i = 0; os_functions[i].name != NULL; i++) {
        lua_getfield(L, -2, os_functions[i].name);
        lua_setfield(L, -2, os_functions[i].name);
    }
    charge_functions(L, os_functions);
}
