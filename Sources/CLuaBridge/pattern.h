// Lua patterns whose matching is charged to the budget.
#pragma once

#include "bridge.h"

#include <stddef.h>

#define LB_CAPTURES 32
#define LB_CAPTURE_OPEN (-1)
#define LB_CAPTURE_POSITION (-2)

struct lb_matcher {
    const char *subject;
    const char *subject_end;
    const char *pattern_end;
    lua_State *L;
    lb_host *host;
    /// Recursion left before a pattern is too complex.
    int depth;
    int level;
    struct {
        const char *start;
        ptrdiff_t length;
    } capture[LB_CAPTURES];
};

void lb_matcher_init(struct lb_matcher *matcher, lua_State *L, const char *subject, size_t subject_length,
                     const char *pattern, size_t pattern_length);
/// The end of a match of `pattern` that begins at `start`, or NULL. Raises for a malformed pattern.
const char *lb_match(struct lb_matcher *matcher, const char *start, const char *pattern);
/// The text of capture `index` (the whole match when there is none); for a position capture pushes the position and
/// returns LB_CAPTURE_POSITION.
ptrdiff_t lb_capture(struct lb_matcher *matcher, int index, const char *start, const char *end, const char **text);
void lb_push_capture(struct lb_matcher *matcher, int index, const char *start, const char *end);
/// Pushes all captures, or the whole match when there is none and `start` is not NULL. The number pushed.
int lb_push_captures(struct lb_matcher *matcher, const char *start, const char *end);

// gsub.c
int lb_string_gsub(lua_State *L);
