// A scanner for the documents that simdjson refuses: it says where and why as Python's json module words it (what
// FastAPI shows in `json_invalid`), and reads integers past 64 bits as floats.

#include "bridge.h"
#include "json_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

class Scanner {
public:
    Scanner(lua_State *L, const char *bytes, size_t length, lb_json_error *error)
        : L(L), start(bytes), at(bytes), end(bytes + length), error(error) {}

    /// Pushes the document's value, or describes the error.
    bool document() {
        if (const char *bad = first_invalid_byte()) {
            return fail(bad, "Invalid UTF-8");
        }
        skip_space();
        if (!value(1)) {
            return false;
        }
        skip_space();
        return at == end || fail(at, "Extra data");
    }

private:
    lua_State *L;
    const char *start;
    const char *at;
    const char *end;
    lb_json_error *error;
    std::string text;

    bool fail(const char *where, const char *message) {
        std::snprintf(error->message, sizeof error->message, "%s", message);
        error->offset = static_cast<size_t>(where - start);
        return false;
    }

    const char *first_invalid_byte() const {
        if (lb_is_valid_utf8(start, static_cast<size_t>(end - start))) {
            return nullptr;
        }
        const char *p = start;
        while (p < end) {
            unsigned char lead = static_cast<unsigned char>(*p);
            size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
            if (size > static_cast<size_t>(end - p) || !lb_is_valid_utf8(p, size)) {
                return p;
            }
            p += size;
        }
        return start;
    }

    void skip_space() {
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            at++;
        }
    }

    bool word(const char *name) {
        size_t length = std::strlen(name);
        if (static_cast<size_t>(end - at) < length || std::memcmp(at, name, length) != 0) {
            return fail(at, "Expecting value");
        }
        at += length;
        return true;
    }

    bool value(int depth) {
        if (at == end) {
            return fail(at, "Expecting value");
        }
        switch (*at) {
        case '{':
            return object(depth);
        case '[':
            return array(depth);
        case '"':
            if (!string()) {
                return false;
            }
            lua_pushlstring(L, text.data(), text.size());
            return true;
        case 't':
            if (!word("true")) {
                return false;
            }
            lua_pushboolean(L, 1);
            return true;
        case 'f':
            if (!word("false")) {
                return false;
            }
            lua_pushboolean(L, 0);
            return true;
        case 'n':
            if (!word("null")) {
                return false;
            }
            lua_pushlightuserdata(L, nullptr);
            return true;
        default:
            return number();
        }
    }

    bool enter(int depth) {
        return depth <= LB_JSON_DEPTH || fail(at, "Nested deeper than 128 levels");
    }

    bool array(int depth) {
        if (!enter(depth)) {
            return false;
        }
        lua_checkstack(L, 8);
        lua_createtable(L, 0, 0);
        lb_mark_array(L, -1);
        at++;
        skip_space();
        if (at < end && *at == ']') {
            at++;
            return true;
        }
        for (lua_Integer index = 1;; index++) {
            if (!value(depth + 1)) {
                return false;
            }
            lua_rawseti(L, -2, index);
            skip_space();
            if (at < end && *at == ']') {
                at++;
                return true;
            }
            if (at == end || *at != ',') {
                return fail(at, "Expecting ',' delimiter");
            }
            at++;
            skip_space();
        }
    }

    bool object(int depth) {
        if (!enter(depth)) {
            return false;
        }
        lua_checkstack(L, 8);
        lua_createtable(L, 0, 0);
        at++;
        skip_space();
        if (at < end && *at == '}') {
            at++;
            return true;
        }
        for (;;) {
            if (at == end || *at != '"') {
                return fail(at, "Expecting property name enclosed in double quotes");
            }
            if (!string()) {
                return false;
            }
            lua_pushlstring(L, text.data(), text.size());
            skip_space();
            if (at == end || *at != ':') {
                return fail(at, "Expecting ':' delimiter");
            }
            at++;
            skip_space();
            if (!value(depth + 1)) {
                return false;
            }
            lua_rawset(L, -3);
            skip_space();
            if (at < end && *at == '}') {
                at++;
                return true;
            }
            if (at == end || *at != ',') {
                return fail(at, "Expecting ',' delimiter");
            }
            at++;
            skip_space();
        }
    }

    bool number() {
        bool integral = true;
        const char *p = lb_json::number_end(at, end, &integral);
        if (p == at) {
            return fail(at, "Expecting value");
        }
        if (integral) {
            lua_Integer integer;
            if (std::from_chars(at, p, integer).ec == std::errc()) {
                lua_pushinteger(L, integer);
                at = p;
                return true;
            }
        }
        lua_Number value = 0;
        if (std::from_chars(at, p, value).ec != std::errc() && !tiny(at, p)) {
            return fail(at, "Number out of range");
        }
        lua_pushnumber(L, value);
        at = p;
        return true;
    }

    /// Whether the number is out of range because it is too close to zero, and not too large.
    bool tiny(const char *from, const char *to) {
        text.assign(from, static_cast<size_t>(to - from));
        return std::fabs(std::strtod(text.c_str(), nullptr)) < 1;
    }

    /// Reads `\uXXXX` at `at` (on the backslash), a pair of surrogates as one character. As in Python, an escape that
    /// the text ends with is invalid, not unterminated.
    bool unicode_escape() {
        int code = lb_json::code_unit(at + 2, end);
        if (code < 0 || end - at == 6) {
            return fail(at + 1, "Invalid \\uXXXX escape");
        }
        if (code >= 0xD800 && code < 0xE000) {
            bool paired = code < 0xDC00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
            int low = paired ? lb_json::code_unit(at + 8, end) : -1;
            if (low >= 0 && end - at == 12) {
                return fail(at + 7, "Invalid \\uXXXX escape");
            }
            if (low < 0xDC00 || low > 0xDFFF) {
                return fail(at + 1, "Invalid \\uXXXX escape: unpaired surrogate");
            }
            lb_json::append(text, 0x10000u + static_cast<unsigned>((code - 0xD800) << 10 | (low - 0xDC00)));
            at += 12;
        } else {
            lb_json::append(text, static_cast<unsigned>(code));
            at += 6;
        }
        return true;
    }

    /// Reads the string at `at` into `text`.
    bool string() {
        const char *opening = at++;
        text.clear();
        for (;;) {
            if (at == end) {
                return fail(opening, "Unterminated string starting at");
            }
            unsigned char c = static_cast<unsigned char>(*at);
            if (c == '"') {
                at++;
                return true;
            }
            if (c < 0x20) {
                return fail(at, "Invalid control character at");
            }
            if (c != '\\') {
                text.push_back(*at++);
                continue;
            }
            if (at + 1 == end) {
                return fail(opening, "Unterminated string starting at");
            }
            if (at[1] == 'u') {
                if (!unicode_escape()) {
                    return false;
                }
                continue;
            }
            const char *known = std::strchr("\"\"\\\\//b\bf\fn\nr\rt\t", at[1]);
            if (at[1] == 0 || known == nullptr || static_cast<unsigned char>(at[1]) < 0x20) {
                return fail(at, "Invalid \\escape");
            }
            text.push_back(known[1]);
            at += 2;
        }
    }
};

}  // namespace

bool lb_json_decode_slowly(lua_State *L, const char *bytes, size_t length, lb_json_error *error) {
    int top = lua_gettop(L);
    if (Scanner(L, bytes, length, error).document()) {
        return true;
    }
    lua_settop(L, top);
    return false;
}
