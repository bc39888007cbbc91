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

/// The number of frames on a stack.
static int depth_of(lua_State *L) {
    lua_Debug frame;
    int low = 0;
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
