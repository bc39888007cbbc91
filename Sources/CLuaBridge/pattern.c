// Lua patterns whose matching is charged to the budget: backtracking is exponential, and no hook runs inside a C
// function. The matcher follows lstrlib.c of Lua 5.4 (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence), step for
// step, so that patterns mean what they mean there.

#include "pattern.h"

#include <ctype.h>
#include <string.h>

#define ESCAPE '%'
#define DEPTH 200

static inline int byte_at(const char *p) {
    return (unsigned char)*p;
}

static const char *match(struct lb_matcher *m, const char *s, const char *p);

void lb_matcher_init(struct lb_matcher *matcher, lua_State *L, const char *subject, size_t subject_length,
                     const char *pattern, size_t pattern_length) {
    matcher->L = L;
    matcher->host = lb_host_at(L);
    matcher->depth = DEPTH;
    matcher->level = 0;
    matcher->subject = subject;
    matcher->subject_end = subject + subject_length;
    matcher->pattern_end = pattern + pattern_length;
}

// MARK: - Single characters

/// The end of the single-character class that begins at `p`.
static const char *class_end(struct lb_matcher *m, const char *p) {
    switch (*p++) {
    case ESCAPE:
        if (p == m->pattern_end) {
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        }
        return p + 1;
    case '[':
        if (*p == '^') {
            p++;
        }
        do {
            if (p == m->pattern_end) {
                luaL_error(m->L, "malformed pattern (missing ']')");
            }
            if (*p++ == ESCAPE && p < m->pattern_end) {
                p++;
            }
        } while (*p != ']');
        return p + 1;
    default:
        return p;
    }
}

static bool in_class(int c, int class) {
    int result;
    switch (tolower(class)) {
    case 'a': result = isalpha(c); break;
    case 'c': result = iscntrl(c); break;
    case 'd': result = isdigit(c); break;
    case 'g': result = isgraph(c); break;
    case 'l': result = islower(c); break;
    case 'p': result = ispunct(c); break;
    case 's': result = isspace(c); break;
    case 'u': result = isupper(c); break;
    case 'w': result = isalnum(c); break;
    case 'x': result = isxdigit(c); break;
    case 'z': result = c == 0; break;
    default: return class == c;
    }
    return islower(class) ? result != 0 : result == 0;
}

/// Whether `c` is in the set `[…]` from `p` to `end`, which points at the bracket that closes it.
static bool in_set(int c, const char *p, const char *end) {
    bool found = true;
    if (p[1] == '^') {
        found = false;
        p++;
    }
    while (++p < end) {
        if (*p == ESCAPE) {
            p++;
            if (in_class(c, byte_at(p))) {
                return found;
            }
        } else if (p[1] == '-' && p + 2 < end) {
            p += 2;
            if (byte_at(p - 2) <= c && c <= byte_at(p)) {
                return found;
            }
        } else if (byte_at(p) == c) {
            return found;
        }
    }
    return !found;
}

static bool matches_one(struct lb_matcher *m, const char *s, const char *p, const char *end) {
    if (s >= m->subject_end) {
        return false;
    }
    switch (*p) {
    case '.':
        return true;
    case ESCAPE:
        return in_class(byte_at(s), byte_at(p + 1));
    case '[':
        lb_charge(m->L, m->host, 1 + (size_t)(end - p) / 8);
        return in_set(byte_at(s), p, end - 1);
    default:
        return *p == *s;
    }
}

// MARK: - Items

static const char *match_balance(struct lb_matcher *m, const char *s, const char *p) {
    if (p >= m->pattern_end - 1) {
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    }
    if (s >= m->subject_end || *s != *p) {
        return NULL;
    }
    int open = *p;
    int close = p[1];
    int depth = 1;
    while (++s < m->subject_end) {
        lb_charge(m->L, m->host, 1);
        if (*s == close) {
            if (--depth == 0) {
                return s + 1;
            }
        } else if (*s == open) {
            depth++;
        }
    }
    return NULL;
}

static const char *expand_most(struct lb_matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t count = 0;
    while (matches_one(m, s + count, p, end)) {
        lb_charge(m->L, m->host, 1);
        count++;
    }
    for (; count >= 0; count--) {
        const char *result = match(m, s + count, end + 1);
        if (result != NULL) {
            return result;
        }
    }
    return NULL;
}

static const char *expand_least(struct lb_matcher *m, const char *s, const char *p, const char *end) {
    for (;;) {
        const char *result = match(m, s, end + 1);
        if (result != NULL) {
            return result;
        }
        if (!matches_one(m, s, p, end)) {
            return NULL;
        }
        s++;
    }
}

static const char *open_capture(struct lb_matcher *m, const char *s, const char *p, int kind) {
    if (m->level >= LB_CAPTURES) {
        luaL_error(m->L, "too many captures");
    }
    m->capture[m->level].start = s;
    m->capture[m->level].length = kind;
    m->level++;
    const char *result = match(m, s, p);
    if (result == NULL) {
        m->level--;
    }
    return result;
}

static const char *close_capture(struct lb_matcher *m, const char *s, const char *p) {
    int level = m->level - 1;
    while (level >= 0 && m->capture[level].length != LB_CAPTURE_OPEN) {
        level--;
    }
    if (level < 0) {
        luaL_error(m->L, "invalid pattern capture");
    }
    m->capture[level].length = s - m->capture[level].start;
    const char *result = match(m, s, p);
    if (result == NULL) {
        m->capture[level].length = LB_CAPTURE_OPEN;
    }
    return result;
}

static const char *match_back(struct lb_matcher *m, const char *s, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= m->level || m->capture[index].length == LB_CAPTURE_OPEN) {
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    }
    size_t length = (size_t)m->capture[index].length;
    if ((size_t)(m->subject_end - s) < length) {
        return NULL;
    }
    lb_charge(m->L, m->host, length / 64);
    return memcmp(m->capture[index].start, s, length) == 0 ? s + length : NULL;
}

static bool at_frontier(struct lb_matcher *m, const char *s, const char *set, const char *end) {
    int before = s == m->subject ? 0 : byte_at(s - 1);
    lb_charge(m->L, m->host, 1 + (size_t)(end - set) / 8);
    // The byte behind the subject is the zero that ends every Lua string.
    return !in_set(before, set, end - 1) && in_set(byte_at(s), set, end - 1);
}

// MARK: - Matching

static const char *match(struct lb_matcher *m, const char *s, const char *p) {
    if (m->depth-- == 0) {
        luaL_error(m->L, "pattern too complex");
    }
    while (p != m->pattern_end) {
        lb_charge(m->L, m->host, 1);
        if (*p == '(') {
            s = p[1] == ')' ? open_capture(m, s, p + 2, LB_CAPTURE_POSITION)
                            : open_capture(m, s, p + 1, LB_CAPTURE_OPEN);
            break;
        }
        if (*p == ')') {
            s = close_capture(m, s, p + 1);
            break;
        }
        if (*p == '$' && p + 1 == m->pattern_end) {
            s = s == m->subject_end ? s : NULL;
            break;
        }
        if (*p == ESCAPE && p[1] == 'b') {
            s = match_balance(m, s, p + 2);
            p += 4;
        } else if (*p == ESCAPE && p[1] == 'f') {
            p += 2;
            if (*p != '[') {
                luaL_error(m->L, "missing '[' after '%%f' in pattern");
            }
            const char *end = class_end(m, p);
            s = at_frontier(m, s, p, end) ? s : NULL;
            p = end;
        } else if (*p == ESCAPE && isdigit(byte_at(p + 1))) {
            s = match_back(m, s, byte_at(p + 1));
            p += 2;
        } else {
            const char *end = class_end(m, p);
            if (!matches_one(m, s, p, end)) {
                if (*end != '*' && *end != '?' && *end != '-') {
                    s = NULL;
                    break;
                }
                p = end + 1;
                continue;
            }
            if (*end == '?') {
                const char *result = match(m, s + 1, end + 1);
                if (result != NULL) {
                    s = result;
                    break;
                }
                p = end + 1;
            } else if (*end == '+') {
                s = expand_most(m, s + 1, p, end);
                break;
            } else if (*end == '*') {
                s = expand_most(m, s, p, end);
                break;
            } else if (*end == '-') {
                s = expand_least(m, s, p, end);
                break;
            } else {
                s++;
                p = end;
            }
        }
        if (s == NULL) {
            break;
        }
    }
    m->depth++;
    return s;
}

const char *lb_match(struct lb_matcher *matcher, const char *start, const char *pattern) {
    matcher->level = 0;
    matcher->depth = DEPTH;
    return match(matcher, start, pattern);
}
