// concat, insert, move, remove, sort and unpack, charged to the budget: a table's length and elements may be whatever
// its metamethods say. They follow ltablib.c of Lua 5.4 (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence) in results,
// messages and the metamethods they honour.

#include "bridge.h"

#include <limits.h>

enum { READ = 1, WRITE = 2, LENGTH = 4 };

/// What one element costs, in the budget's units of 10 ns.
#define ELEMENT 2

static bool has_field(lua_State *L, const char *key, int metatable) {
    lua_pushstring(L, key);
    return lua_rawget(L, metatable) != LUA_TNIL;
}

/// Checks that an argument is a table or behaves like one.
static void check_table(lua_State *L, int argument, int what) {
    if (lua_type(L, argument) == LUA_TTABLE) {
        return;
    }
    int top = lua_gettop(L);
    if (lua_getmetatable(L, argument)
        && (!(what & READ) || has_field(L, "__index", top + 1))
        && (!(what & WRITE) || has_field(L, "__newindex", top + 1))
        && (!(what & LENGTH) || has_field(L, "__len", top + 1))) {
        lua_settop(L, top);
    } else {
        luaL_checktype(L, argument, LUA_TTABLE);
    }
}

static lua_Integer checked_length(lua_State *L, int argument, int what) {
    check_table(L, argument, what | LENGTH);
    return luaL_len(L, argument);
}

static int table_insert(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_Integer end = (lua_Integer)((lua_Unsigned)checked_length(L, 1, READ | WRITE) + 1);
    lua_Integer position = end;
    switch (lua_gettop(L)) {
    case 2:
        break;
    case 3:
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > position; i--) {
            lb_charge(L, host, ELEMENT);
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
        break;
    default:
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, position);
    return 0;
}

static int table_remove(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_Integer size = checked_length(L, 1, READ | WRITE);
    lua_Integer position = luaL_optinteger(L, 2, size);
    if (position != size) {
        luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
    }
    lua_geti(L, 1, position);
    for (; position < size; position++) {
        lb_charge(L, host, ELEMENT);
        lua_geti(L, 1, position + 1);
        lua_seti(L, 1, position);
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static void move_element(lua_State *L, lb_host *host, int to, lua_Integer source, lua_Integer target) {
    lb_charge(L, host, ELEMENT);
    lua_geti(L, 1, source);
    lua_seti(L, to, target);
}

static int table_move(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_Integer first = luaL_checkinteger(L, 2);
    lua_Integer last = luaL_checkinteger(L, 3);
    lua_Integer target = luaL_checkinteger(L, 4);
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    check_table(L, 1, READ);
    check_table(L, to, WRITE);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        lua_Integer count = last - first + 1;
        luaL_argcheck(L, target <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        if (target > last || target <= first || (to != 1 && !lua_compare(L, 1, to, LUA_OPEQ))) {
            for (lua_Integer i = 0; i < count; i++) {
                move_element(L, host, to, first + i, target + i);
            }
        } else {
            for (lua_Integer i = count - 1; i >= 0; i--) {
                move_element(L, host, to, first + i, target + i);
            }
        }
    }
    lua_pushvalue(L, to);
    return 1;
}

static void add_element(lua_State *L, lb_host *host, luaL_Buffer *result, lua_Integer i) {
    lb_charge(L, host, ELEMENT);
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1), (LUAI_UACINT)i);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        lb_charge(L, host, lua_rawlen(L, -1) / 32);
    }
    luaL_addvalue(result);
}

static int table_concat(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_Integer last = checked_length(L, 1, READ);
    size_t separator_length;
    const char *separator = luaL_optlstring(L, 2, "", &separator_length);
    lua_Integer i = luaL_optinteger(L, 3, 1);
    last = luaL_optinteger(L, 4, last);
    luaL_Buffer result;
    luaL_buffinit(L, &result);
    for (; i < last; i++) {
        add_element(L, host, &result, i);
        lb_charge(L, host, separator_length / 32);
        luaL_addlstring(&result, separator, separator_length);
    }
    if (i == last) {
        add_element(L, host, &result, i);
    }
    luaL_pushresult(&result);
    return 1;
}

static int table_unpack(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_Integer i = luaL_optinteger(L, 2, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    if (i > last) {
        return 0;
    }
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)i;  // Less one: the count itself may overflow.
    if (count >= (unsigned)INT_MAX || !lua_checkstack(L, (int)++count)) {
        return luaL_error(L, "too many results to unpack");
    }
    for (; i < last; i++) {
        lb_charge(L, host, 1);
        lua_geti(L, 1, i);
    }
    lua_geti(L, 1, last);
    return (int)count;
}

// MARK: - sort
//
// Quicksort after 'Algorithms in MODULA-3', Robert Sedgewick; Addison-Wesley, 1993, as in ltablib.c.

typedef unsigned int position;

/// Larger intervals take their pivot from a pseudo-random place once a partition was badly out of balance.
#define SMALL 100u

static void set_two(lua_State *L, position i, position j) {
    lua_seti(L, 1, i);
    lua_seti(L, 1, j);
}

static bool is_less(lua_State *L, int a, int b) {
    size_t bytes = lua_type(L, a) == LUA_TSTRING ? lua_rawlen(L, a) : 0;
    lb_charge(L, lb_host_at(L), 2 * ELEMENT + bytes / 64);
    if (lua_isnil(L, 2)) {
        return lua_compare(L, a, b, LUA_OPLT) != 0;
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a - 1);
    lua_pushvalue(L, b - 2);
    lua_call(L, 2, 1);
    bool less = lua_toboolean(L, -1) != 0;
    lua_settop(L, -2);
    return less;
}

/// Partitions low + 1 … up - 2 around the pivot on top of the stack, which is also at up - 1; a[low] is not above the
/// pivot and a[up] not below. Returns the pivot's place.
static position partition(lua_State *L, position low, position up) {
    position i = low;
    position j = up - 1;
    for (;;) {
        while (lua_geti(L, 1, ++i), is_less(L, -1, -2)) {
            if (i == up - 1) {
                luaL_error(L, "invalid order function for sorting");
            }
            lua_settop(L, -2);
        }
        while (lua_geti(L, 1, --j), is_less(L, -3, -1)) {
            if (j < i) {
                luaL_error(L, "invalid order function for sorting");
            }
            lua_settop(L, -2);
        }
        if (j < i) {
            lua_settop(L, -2);
            set_two(L, up - 1, i);
            return i;
        }
        set_two(L, i, j);
    }
}

static void sort_interval(lua_State *L, position low, position up, unsigned random) {
    while (low < up) {
        lua_geti(L, 1, low);
        lua_geti(L, 1, up);
        if (is_less(L, -1, -2)) {
            set_two(L, low, up);
        } else {
            lua_settop(L, -3);
        }
        if (up - low == 1) {
            return;
        }
        position middle = (low + up) / 2;
        if (up - low >= SMALL && random != 0) {
            position quarter = (up - low) / 4;
            middle = random % (quarter * 2) + low + quarter;
        }
        lua_geti(L, 1, middle);
        lua_geti(L, 1, low);
        if (is_less(L, -2, -1)) {
            set_two(L, middle, low);
        } else {
            lua_settop(L, -2);
            lua_geti(L, 1, up);
            if (is_less(L, -1, -2)) {
                set_two(L, middle, up);
            } else {
                lua_settop(L, -3);
            }
        }
        if (up - low == 2) {
            return;
        }
        lua_geti(L, 1, middle);
        lua_pushvalue(L, -1);
        lua_geti(L, 1, up - 1);
        set_two(L, middle, up - 1);
        middle = partition(L, low, up);
        position smaller;
        if (middle - low < up - middle) {
            sort_interval(L, low, middle - 1, random);
            smaller = middle - low;
            low = middle + 1;
        } else {
            sort_interval(L, middle + 1, up, random);
            smaller = up - middle;
            up = middle - 1;
        }
        if ((up - low) / 128 > smaller) {
            random = (unsigned)((uintptr_t)lua_topointer(L, 1) >> 4) * 2654435761u + up + smaller + 1u;
        }
    }
}

static int table_sort(lua_State *L) {
    lua_Integer count = checked_length(L, 1, READ | WRITE);
    if (count > 1) {
        luaL_argcheck(L, count < INT_MAX, 1, "array too big");
        if (!lua_isnoneornil(L, 2)) {
            luaL_checktype(L, 2, LUA_TFUNCTION);
        }
        lua_settop(L, 2);
        sort_interval(L, 1, (position)count, 0);
    }
    return 0;
}

// MARK: - Opening

static const luaL_Reg functions[] = {
    {"concat", table_concat}, {"insert", table_insert}, {"move", table_move},     {"remove", table_remove},
    {"sort", table_sort},     {"unpack", table_unpack}, {NULL, NULL},
};

void lb_open_table_library(lua_State *L) {
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_setfuncs(L, functions, 0);
    lua_settop(L, -2);
}
