// What a match of a Lua pattern captured. Follows lstrlib.c of Lua 5.4 (Copyright 1994-2022 Lua.org, PUC-Rio; MIT
// licence) in results and messages.

#include "pattern.h"

ptrdiff_t lb_capture(struct lb_matcher *m, int index, const char *start, const char *end, const char **text) {
    if (index >= m->level) {
        if (index != 0) {
            luaL_error(m->L, "invalid capture index %%%d", index + 1);
        }
        *text = start;
        return end - start;
    }
    ptrdiff_t length = m->capture[index].length;
    *text = m->capture[index].start;
    if (length == LB_CAPTURE_OPEN) {
        luaL_error(m->L, "unfinished capture");
    } else if (length == LB_CAPTURE_POSITION) {
        lua_pushinteger(m->L, m->capture[index].start - m->subject + 1);
    }
    return length;
}

void lb_push_capture(struct lb_matcher *m, int index, const char *start, const char *end) {
    const char *text;
    ptrdiff_t length = lb_capture(m, index, start, end, &text);
    if (length != LB_CAPTURE_POSITION) {
        lua_pushlstring(m->L, text, (size_t)length);
    }
}

int lb_push_captures(struct lb_matcher *m, const char *start, const char *end) {
    int count = m->level == 0 && start != NULL ? 1 : m->level;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) {
        lb_push_capture(m, i, start, end);
    }
    return count;
}
