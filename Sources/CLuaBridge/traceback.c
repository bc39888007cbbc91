// Where scripts were when something failed: script frames only, in the words of luaL_traceback.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Frames shown at each end of a deep stack.
#define ENDS 10

static void append(lb_host *host, size_t *length, const char *text) {
    size_t more = strlen(text);
    if (*length + more + 1 > host->traceback_capacity) {
        size_t capacity = (*length + more + 1) * 2;
        char *grown = realloc(host->traceback, capacity);
        if (grown == NULL) {
            return;
        }
        host->traceback = grown;
        host->traceback_capacity = capacity;
    }
    memcpy(host->traceback + *length, text, more + 1);
    *length += more;
}

/// The name under which the running function can be found among the globals, or NULL. Leaves the stack as it was.
static const char *global_name(lua_State *L, lua_Debug *frame) {
    const char *name = NULL;
    int top = lua_gettop(L);
    if (!lua_checkstack(L, 6)) {
        return NULL;
    }
    lua_getinfo(L, "f", frame);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    for (lua_pushnil(L); lua_next(L, top + 2) != 0; lua_settop(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, top + 1)) {
            name = lua_tostring(L, -2);
            break;
        }
    }
    lua_settop(L, top);
    return name;
}

static void append_frame(lua_State *L, lb_host *host, size_t *length, lua_Debug *frame) {
    char text[256];
    snprintf(text, sizeof text, "\n\t%s:%d: in ", frame->short_src, frame->currentline);
    append(host, length, text);
    const char *global = *frame->what == 'm' ? NULL : global_name(L, frame);
    if (global != NULL) {
        snprintf(text, sizeof text, "function '%s'", global);
    } else if (*frame->namewhat != 0) {
        snprintf(text, sizeof text, "%s '%s'", frame->namewhat, frame->name);
    } else if (*frame->what == 'm') {
        snprintf(text, sizeof text, "main chunk");
    } else {
        snprintf(text, sizeof text, "function <%s:%d>", frame->short_src, frame->linedefined);
    }
    append(host, length, text);
    if (frame->istailcall) {
        append(host, length, "\n\t(...tail calls...)");
    }
}

/// Stacks deeper than this are not shown to their end: every frame asked for is looked up from the top.
#define DEEPEST 10000

/// The number of frames on a stack, at most DEEPEST.
static int depth_of(lua_State *L) {
    lua_Debug frame;
    int low = 0;
    int high = DEEPEST;
    if (lua_getstack(L, high, &frame)) {
        return high;
    }
    while (low < high) {
        int middle = (low + high) / 2;
        if (lua_getstack(L, middle, &frame)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return high;
}

void lb_record_traceback(lua_State *L, lb_host *host) {
    lua_Debug frame;
    size_t length = 0;
    int depth = depth_of(L);
    bool was = host->in_vm;
    host->in_vm = false;
    host->has_traceback = false;
    for (int level = 0; level < depth && lua_getstack(L, level, &frame); level++) {
        if (level == 2 * ENDS && depth - level > 2 * ENDS) {
            char text[64];
            if (depth == DEEPEST) {
                snprintf(text, sizeof text, "\n\t...\t(more than %d levels)", DEEPEST);
                append(host, &length, text);
                break;
            }
            level = depth - ENDS;
            snprintf(text, sizeof text, "\n\t...\t(skipping %d levels)", level - 2 * ENDS);
            append(host, &length, text);
            if (!lua_getstack(L, level, &frame)) {
                break;
            }
        }
        lua_getinfo(L, "Slnt", &frame);
        if (frame.currentline > 0) {
            if (!host->has_traceback) {
                append(host, &length, "stack traceback:");
                host->has_traceback = true;
            }
            append_frame(L, host, &length, &frame);
        }
    }
    host->has_traceback = host->has_traceback && host->traceback != NULL;
    host->in_vm = was;
}

const char *lb_traceback(lb_host *host) {
    return host->has_traceback ? host->traceback : NULL;
}

bool lb_location(lua_State *L, int level, char *buffer, size_t size) {
    lb_write_position(L, level, buffer, size);
    size_t length = strlen(buffer);
    if (length < 2) {
        return false;
    }
    buffer[length - 2] = 0;  // ": "
    return true;
}

// MARK: - Overflows

/// Calls of Lua from C functions, one within the other, that Lua 5.4.4 allows (LUAI_MAXCCALLS of llimits.h).
#define C_CALLS 200

int lb_explain_overflow(lua_State *L) {
    static const char overflow[] = "C stack overflow";
    size_t length;
    if (lua_type(L, 1) != LUA_TSTRING) {
        return 1;
    }
    const char *message = lua_tolstring(L, 1, &length);
    if (length < sizeof overflow - 1 || length > LB_WHERE_SIZE + sizeof overflow
        || strcmp(message + length - (sizeof overflow - 1), overflow) != 0) {
        return 1;
    }
    // The innermost function that is no plain Lua function, as far up as a round of calls may be long.
    lua_Debug frame;
    char where[LB_WHERE_SIZE];
    lb_write_position(L, 1, where, sizeof where);
    if (where[0] == 0) {
        // A coroutine that has not begun: whoever resumed it says where.
        return 1;
    }
    const char *kind = NULL;
    for (int level = 1; level < 20 && kind == NULL && lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sn", &frame);
        if (strcmp(frame.namewhat, "metamethod") == 0) {
            kind = "metamethod";
        } else if (*frame.what == 'C' && frame.name != NULL) {
            kind = "function";
        }
    }
    lb_host *host = lb_host_at(L);
    bool was = host->in_vm;
    host->in_vm = false;
    if (kind != NULL) {
        lua_pushfstring(L, "%sC stack overflow: more than %d nested calls through the %s '%s'", where, C_CALLS, kind,
                        frame.name);
    } else {
        lua_pushfstring(L, "%sC stack overflow: more than %d nested calls", where, C_CALLS);
    }
    lua_replace(L, 1);
    host->in_vm = was;
    return 1;
}
