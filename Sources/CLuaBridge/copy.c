// Plain data from one state to another: shared references and cycles stay what they are.
//
// Tables are copied breadth first from a list, so depth costs no C stack.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Strings longer than this many bytes are copied once, however often they are met.
#define LONG_STRING 256
/// Items of an array for which there is room from the beginning.
#define LARGEST_GUESS 4096

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
    /// Bytes of the list and the map on `to`: they are gone when the copy is made, so they do not count.
    size_t listed;
    const char *path;
    /// What is not plain is left out, and named in the message.
    bool lenient;
    long left_out;
    lb_buffer *message;
    /// LB_RETURNED as long as nothing has failed.
    enum lb_step step;
};

/// So many of those left out are named.
#define NAMED 5

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

/// Something is not plain: whether the copying goes on without it. `key` is NULL for the value as a whole.
static bool leave_out(struct copying *copying, long holder, const struct node *key, const char *what) {
    if (!copying->lenient) {
        copying->message->length = 0;
        copying->step = LB_FAILED_RUNTIME;
    } else if (++copying->left_out > NAMED) {
        return true;
    } else if (copying->left_out > 1) {
        lb_buffer_text(copying->message, ", ");
    }
    write_path(copying, holder);
    if (key != NULL) {
        lb_buffer_key(copying->message, key->name, key->length, key->number);
    }
    lb_buffer_text(copying->message, " ");
    lb_buffer_text(copying->message, what);
    return copying->lenient;
}

static bool refuse(struct copying *copying, enum lb_step step) {
    char text[LB_MESSAGE_SIZE];
    lb_write_refusal(lb_host_at(copying->to), step, text, sizeof text);
    copying->message->length = 0;
    lb_buffer_text(copying->message, copying->path);
    lb_buffer_text(copying->message, ": ");
    lb_buffer_text(copying->message, text);
    copying->step = step;
    return false;
}

/// Charges the state that gets the copy; the time, and the memory that the copy takes.
static bool charge(struct copying *copying, size_t units) {
    lb_host *host = lb_host_at(copying->to);
    if (!lb_charge_work(copying->to, host, units)) {
        return refuse(copying, LB_FAILED_BUDGET);
    }
    if (host->used > host->limit && host->used - host->limit > copying->listed) {
        return refuse(copying, LB_FAILED_MEMORY);
    }
    return true;
}

/// Whether the metatable on top of the stack, which is popped, says that its table is plain data all the same: the host
/// made it, and what it does is to make fields when they are first read.
static bool is_plain(lua_State *L) {
    lua_pushliteral(L, "__plain");
    bool plain = lua_rawget(L, -2) == LUA_TBOOLEAN && lua_toboolean(L, -1);
    lua_settop(L, -3);
    return plain;
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
    if (!array && lua_getmetatable(from, index) && !is_plain(from)) {
        if (!leave_out(copying, node.parent, node.parent < 0 ? NULL : &node, "has a metatable")) {
            return false;
        }
    }
    if (copying->count == copying->capacity) {
        long capacity = copying->capacity == 0 ? 64 : copying->capacity * 2;
        struct node *grown = realloc(copying->nodes, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return refuse(copying, LB_FAILED_MEMORY);
        }
        copying->nodes = grown;
        copying->capacity = capacity;
    }
    copying->nodes[copying->count++] = node;
    lua_pushvalue(from, index);
    lua_rawseti(from, copying->from_list, copying->count);
    // A length is what a script says it is: with few fields in the right places it is any number.
    lua_Unsigned length = array ? lua_rawlen(from, index) : 0;
    lua_createtable(to, length < LARGEST_GUESS ? (int)length : LARGEST_GUESS, 0);
    if (array) {
        lb_mark_array(to, -1);
    }
    size_t used = lb_host_at(to)->used;
    lua_pushvalue(to, -1);
    lua_rawseti(to, copying->to_list, copying->count);
    lua_pushvalue(to, -1);
    lua_rawsetp(to, copying->to_map, identity);
    copying->listed += lb_host_at(to)->used - used;
    return true;
}

static bool copy_string(struct copying *copying, int index) {
    lua_State *to = copying->to;
    size_t length;
    const char *text = lua_tolstring(copying->from, index, &length);
    if (length <= LONG_STRING) {
        lua_pushlstring(to, text, length);
        return true;
    }
    const void *identity = lua_topointer(copying->from, index);
    if (lua_rawgetp(to, copying->to_map, identity) == LUA_TNIL) {
        lua_settop(to, -2);
        lua_pushlstring(to, text, length);
        lua_pushvalue(to, -1);
        lua_rawsetp(to, copying->to_map, identity);
    }
    return charge(copying, length / 16);
}

/// Pushes on `to` the copy of the value at `index` of `from`; nil for what is left out.
static bool copy_value(struct copying *copying, int index, struct node node) {
    lua_State *from = copying->from;
    lua_State *to = copying->to;
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
        return copy_string(copying, index);
    case LUA_TTABLE:
        return add_table(copying, index, node);
    default:
        if (lb_is_null(from, index)) {
            lb_push_null(to);
            return true;
        }
        char what[32];
        snprintf(what, sizeof what, "is a %s", luaL_typename(from, index));
        if (!leave_out(copying, node.parent, node.parent < 0 ? NULL : &node, what)) {
            return false;
        }
        lua_pushnil(to);
        return true;
    }
}

static struct node key_node(lua_State *from, int index, long parent) {
    struct node node = {parent, NULL, 0, 0};
    switch (lua_type(from, index)) {
    case LUA_TSTRING:
        node.name = lua_tolstring(from, index, &node.length);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(from, index)) {
            node.number = lua_tointeger(from, index);
            break;
        }
        // fall through
    default:
        node.name = luaL_typename(from, index);
        node.length = strlen(node.name);
    }
    return node;
}

static bool copy_fields(struct copying *copying, long table) {
    lua_State *from = copying->from;
    lua_State *to = copying->to;
    if (!charge(copying, lb_table_units(lb_host_at(from)))) {
        return false;
    }
    lua_rawgeti(from, copying->from_list, table + 1);
    lua_rawgeti(to, copying->to_list, table + 1);
    int source = lua_gettop(from);
    int target = lua_gettop(to);
    for (lua_pushnil(from); lua_next(from, source); lua_settop(from, source + 1)) {
        struct node node = key_node(from, source + 1, table);
        if (!copy_value(copying, source + 1, node)) {
            return false;
        }
        if (lua_isnil(to, -1)) {
            lua_settop(to, target);
            continue;
        }
        if (!copy_value(copying, source + 2, node)) {
            return false;
        }
        lua_rawset(to, target);
        if (!charge(copying, 20)) {
            return false;
        }
    }
    lua_settop(from, source - 1);
    lua_settop(to, target - 1);
    return true;
}

static enum lb_step copy_between(
    lua_State *from, int index, lua_State *to, const char *path, bool lenient, lb_buffer *message) {
    int from_top = lua_gettop(from);
    int to_top = lua_gettop(to);
    struct copying copying = {
        .from = from, .to = to, .path = path, .lenient = lenient, .message = message, .step = LB_RETURNED};
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
    if (copied && copying.left_out > NAMED) {
        char more[32];
        snprintf(more, sizeof more, " and %ld more", copying.left_out - NAMED);
        lb_buffer_text(message, more);
    }
    return copying.step;
}

/// The two sides need a stack each.
static enum lb_step copy_within(lua_State *L, int index, const char *path, bool lenient, lb_buffer *message) {
    lua_pushvalue(L, index);
    lua_State *source = lua_newthread(L);
    lua_insert(L, -2);
    lua_xmove(L, source, 1);
    enum lb_step step = copy_between(source, 1, L, path, lenient, message);
    lua_rotate(L, step == LB_RETURNED ? -2 : -1, -1);
    lua_settop(L, -2);
    return step;
}

enum lb_step lb_copy_plain(
    lua_State *from, int index, lua_State *to, const char *path, bool lenient, int64_t budget, lb_buffer *message) {
    message->length = 0;
    if (!lua_checkstack(from, 16) || !lua_checkstack(to, 16)) {
        lb_buffer_text(message, "stack overflow");
        return LB_FAILED_MEMORY;
    }
    lb_host *host = lb_host_at(to);
    struct lb_work outer = lb_begin_work(to, budget, false);
    enum lb_step step = from != to ? copy_between(from, lua_absindex(from, index), to, path, lenient, message)
                                   : copy_within(to, index, path, lenient, message);
    lb_end_work(host, outer);
    return step;
}
