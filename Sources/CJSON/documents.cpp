#include "CJSON.h"
#include "CJSON/scanner.h"

#include <cstdlib>

namespace {

using json::Number;
using json::Text;

/// Whether a number is in range, without reading it where that is plain: up to 200 digits and an exponent of two stay
/// below 1e308.
bool is_in_range(const char *begin, const char *end, bool integral) {
    if (end - begin <= 200) {
        const char *exponent = end;
        while (exponent > begin && json::digit(exponent[-1])) {
            exponent--;
        }
        if (integral || end - exponent <= 2) {
            return true;
        }
    }
    Number number;
    return json::read_number(begin, end, integral, &number);
}

/// Keeps nothing.
struct Check {
    struct Object {};

    void charge(size_t) {}
    void null() {}
    void boolean(bool) {}
    void string(Text) {}
    bool number(const char *begin, const char *end, bool integral) { return is_in_range(begin, end, integral); }
    void array_begin() {}
    void element(long) {}
    void array_end() {}
    Object object_begin() { return {}; }
    void key(Text) {}
    void member(Object, const char *, const char *) {}
    void object_end() {}
};

/// Keeps the members of the outermost object.
struct Members : Check {
    /// The key of the member under way, when it is one of the outermost object's.
    struct Object {
        bool is_outermost;
    };

    const char *start;
    cj_member *members;
    size_t room;
    size_t count = 0;
    int depth = 0;
    bool is_object = false;

    Members(const char *start, cj_member *members, size_t room) : start(start), members(members), room(room) {}

    void array_begin() { depth++; }
    void array_end() { depth--; }

    Object object_begin() {
        is_object |= depth == 0;
        return {depth++ == 0};
    }

    void object_end() { depth--; }

    void key(Text text) {
        if (depth == 1 && count < room) {
            members[count].key = {offset(text.begin), offset(text.end), text.has_escapes};
        }
    }

    void member(Object object, const char *begin, const char *end) {
        if (!object.is_outermost) {
            return;
        }
        if (count < room) {
            members[count].begin = offset(begin);
            members[count].end = offset(end);
        }
        count++;
    }

    size_t offset(const char *at) const { return static_cast<size_t>(at - start); }
};

/// Keeps everything.
struct Tokens : Check {
    const char *start;
    cj_token *tokens = nullptr;
    size_t count = 0;
    size_t capacity = 0;

    explicit Tokens(const char *start) : start(start) {}

    cj_token &add(cj_token_kind kind) {
        if (count == capacity) {
            capacity = capacity == 0 ? 64 : 2 * capacity;
            auto *grown = static_cast<cj_token *>(std::realloc(tokens, capacity * sizeof(cj_token)));
            if (grown == nullptr) {
                std::abort();
            }
            tokens = grown;
        }
        tokens[count].kind = kind;
        return tokens[count++];
    }

    void add(cj_token_kind kind, Text text) {
        add(kind).text = {
            static_cast<size_t>(text.begin - start), static_cast<size_t>(text.end - start), text.has_escapes};
    }

    void null() { add(CJ_NULL); }
    void boolean(bool value) { add(value ? CJ_TRUE : CJ_FALSE); }
    void string(Text text) { add(CJ_STRING, text); }
    void key(Text text) { add(CJ_KEY, text); }
    void array_begin() { add(CJ_ARRAY_BEGIN); }
    void array_end() { add(CJ_ARRAY_END); }

    Object object_begin() {
        add(CJ_OBJECT_BEGIN);
        return {};
    }

    void object_end() { add(CJ_OBJECT_END); }

    bool number(const char *begin, const char *end, bool integral) {
        Number number;
        if (!json::read_number(begin, end, integral, &number)) {
            return false;
        }
        if (number.is_integer) {
            add(CJ_INTEGER).integer = number.integer;
        } else {
            add(CJ_REAL).real = number.real;
        }
        return true;
    }
};

}  // namespace

bool cj_check(const char *bytes, size_t length, cj_error *error) {
    Check check;
    return json::Scanner(bytes, length, check).document(error);
}

cj_kind cj_members(
    const char *bytes, size_t length, cj_member *members, size_t room, size_t *count, cj_error *error) {
    Members sink(bytes, members, room);
    if (!json::Scanner(bytes, length, sink).document(error)) {
        return CJ_FAILED;
    }
    *count = sink.count;
    return sink.is_object ? CJ_OBJECT : CJ_OTHER;
}

cj_tokens cj_read(const char *bytes, size_t length, cj_error *error) {
    Tokens sink(bytes);
    if (!json::Scanner(bytes, length, sink).document(error)) {
        std::free(sink.tokens);
        return {nullptr, 0};
    }
    return {sink.tokens, sink.count};
}

void cj_tokens_free(cj_tokens tokens) {
    std::free(tokens.tokens);
}
