// Plain data from one state to another: shared references and cycles stay what they are.
//
// Tables are copied breadth first from a list, so depth costs no C stack.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    /// The table that holds this one, or -1 for the root.
    long parent;
    /// The key there: a string owned by the source table, or NULL and a number.
    const char *name;
    size_t length;
    long long number;
};

struct copying {
    lua_State *from;
    lua_State *to;
    /// Stack indices: on both sides the list of tables; on `to` also the map from a source table to its copy's place.
    int from_list;
    int to_list;
    int to_map;
    struct node *nodes;
    long count;
    long capacity;
    const char *path;
    lb_buffer *message;
};

static void write_path(struct copying *copying, long node) {
    if (node < 0) {
        lb_buffer_text(copying->message, copying->path);
        return;
    }
    struct node *entry = &copying->nodes[node];
    if (entry->parent < 0) {
        lb_buffer_text(copying->message, copying->path);
        return;
    }
    // Breadth first gives short paths, but a list linked through fields is as deep as it is long.
    long chain[64];
    int depth = 0;
    long at = node;
    for (; copying->nodes[at].parent >= 0 && depth < 64; at = copying->nodes[at].parent) {
        chain[depth++] = at;
    }
    lb_buffer_text(copying->message, copying->nodes[at].parent < 0 ? copying->path : "…");
    while (depth > 0) {
        struct node *step = &copying->nodes[chain[--depth]];
        lb_buffer_key(copying->message, step->name, step->length, step->number);
    }
}

static bool fail(struct copying *copying, long holder, const struct node *key, const char *what) {
    copying->message->length = 0;
    write_path(copying, holder);
    if (key != NULL) {
        lb_buffer_key(copying->message, key->name, key->length, key->number);
    }
    lb_buffer_text(copying->message, " ");
    lb_buffer_text(copying->message, what);
    return false;
}

/// Puts the table at `index` of `from` on the list and pushes its empty copy on `to`.
static bool add_table(struct copying *copying, int index, struct node node) {
    lua_State *from = copying->from;
    lua_State *to = copying->to;
    const void *identity = lua_topointer(from, index);
    if (lua_rawgetp(to, copying->to_map, identity) != LUA_TNIL) {
        return true;
    }
    lua_settop(to, -2);
    bool array = lb_is_array(from, index);
    if (!array && lua_getmetatable(from, index)) {
        lua_settop(from, -2);
        return fail(copying, node.parent, node.parent < 0 ? NULL : &node, "has a metatable");
    }
    if (copying->count == copying->capacity) {
        long capacity = copying->capacity == 0 ? 64 : copying->capacity * 2;
        struct node *grown = realloc(copying->nodes, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return fail(copying, -1, NULL, "needs more memory than there is");
        }
        copying->nodes = grown;
        copying->capacity = capacity;
    }
    copying->nodes[copying->count++] = node;
    lua_pushvalue(from, index);
    lua_rawseti(from, copying->from_list, copying->count);
    lua_createtable(to, array ? (int)lua_rawlen(from, index) : 0, 0);
    if (array) {
        lb_mark_array(to, -1);
    }
    lua_pushvalue(to, -1);
    lua_rawseti(to, copying->to_list, copying->count);
    lua_pushvalue(to, -1);
    lua_rawsetp(to, copying->to_map, identity);
    return true;
}

/// Pushes on `to` the copy of the value at `index` of `from`.
static bool copy_value(struct copying *copying, int index, struct node node) {
    lua_State *from = copying->from;
    lua_State *to = copying->to;
    size_t length;
    const char *text;
    switch (lua_type(from, index)) {
    case LUA_TNIL:
        lua_pushnil(to);
        return true;
    case LUA_TBOOLEAN:
        lua_pushboolean(to, lua_toboolean(from, index));
        return true;
    case LUA_TNUMBER:
        if (lua_isinteger(from, index)) {
            lua_pushinteger(to, lua_tointeger(from, index));
        } else {
            lua_pushnumber(to, lua_tonumber(from, index));
        }
        return true;
    case LUA_TSTRING:
        text = lua_tolstring(from, index, &length);
        lua_pushlstring(to, text, length);
        return true;
    case LUA_TTABLE:
        return add_table(copying, index, node);
    default:
        if (lb_is_null(from, index)) {
            lb_push_null(to);
            return true;
        }
        char what[32];
        snprintf(what, sizeof what, "is a %s", luaL_typename(from, index));
        return fail(copying, node.parent, node.parent < 0 ? NULL : &node, what);
    }
}

static struct node key_node(lua_State *from, int index, long parent) {
    struct node node = {parent, NULL, 0, 0};
    switch (lua_type(from, index)) {
    case LUA_TSTRING:
        node.name = lua_tolstring(from, index, &node.length);
        break;
    case LUA_TNUMBER:
        node.number = (long long)lua_tonumber(from, index);
        break;
    default:
        node.name = luaL_typename(from, index);
        node.length = strlen(node.name);
    }
    return node;
}

static bool copy_fields(struct copying *copying, long table) {
    lua_State *from = copying->from;
    lua_State *to = copying->to;
    lua_rawgeti(from, copying->from_list, table + 1);
    lua_rawgeti(to, copying->to_list, table + 1);
    int source = lua_gettop(from);
    int target = lua_gettop(to);
    for (lua_pushnil(from); lua_next(from, source); lua_settop(from, source + 1)) {
        struct node node = key_node(from, source + 1, table);
        if (!copy_value(copying, source + 1, node) || !copy_value(copying, source + 2, node)) {
            return false;
        }
        lua_rawset(to, target);
    }
    lua_settop(from, source - 1);
    lua_settop(to, target - 1);
    return true;
}

static bool copy_between(lua_State *from, int index, lua_State *to, const char *path, lb_buffer *message) {
    int from_top = lua_gettop(from);
    int to_top = lua_gettop(to);
    struct copying copying = {.from = from, .to = to, .path = path, .message = message};
    lua_createtable(from, 0, 0);
    copying.from_list = lua_gettop(from);
    lua_createtable(to, 0, 0);
    copying.to_list = lua_gettop(to);
    lua_createtable(to, 0, 0);
    copying.to_map = lua_gettop(to);
    struct node root = {-1, NULL, 0, 0};
    bool copied = copy_value(&copying, index, root);
    for (long table = 0; copied && table < copying.count; table++) {
        copied = copy_fields(&copying, table);
    }
    if (copied) {
        lua_copy(to, to_top + 3, to_top + 1);
    }
    lua_settop(to, copied ? to_top + 1 : to_top);
    lua_settop(from, from_top);
    free(copying.nodes);
    return copied;
}

bool lb_copy_plain(lua_State *from, int index, lua_State *to, const char *path, lb_buffer *message) {
    message->length = 0;
    if (!lua_checkstack(from, 16) || !lua_checkstack(to, 16)) {
        lb_buffer_text(message, "the Lua stack is full");
        return false;
    }
    if (from != to) {
        return copy_between(from, lua_absindex(from, index), to, path, message);
    }
    // The two sides need a stack each.
    lua_pushvalue(to, index);
    lua_State *source = lua_newthread(to);
    lua_insert(to, -2);
    lua_xmove(to, source, 1);
    bool copied = copy_between(source, 1, to, path, message);
    lua_rotate(to, copied ? -2 : -1, -1);
    lua_settop(to, -2);
    return copied;
}
