// A scanner for the documents that simdjson does not get or refuses: it says where and why as Python's json module words
// it (what FastAPI shows in `json_invalid`), and reads integers past 64 bits as floats.

#include "json_reading.h"
#include "json_text.h"

#include <cstdio>
#include <cstring>

namespace {

using lb_json::Builder;
using lb_json::Reading;

/// Bytes of the well-formed UTF-8 sequence at `p` (RFC 3629, section 4), 0 when there is none.
size_t sequence_length(const char *p, const char *end) {
    auto byte = [&](int i) { return p + i < end ? static_cast<unsigned char>(p[i]) : 0; };
    auto is_tail = [&](int i, int low = 0x80, int high = 0xBF) { return byte(i) >= low && byte(i) <= high; };
    int lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return is_tail(1) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        bool second = is_tail(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
        return second && is_tail(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        bool second = is_tail(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
        return second && is_tail(2) && is_tail(3) ? 4 : 0;
    }
    return 0;
}

class Scanner : Builder {
public:
    Scanner(lua_State *L, Reading *reading)
        : Builder(L, *reading), reading(reading), start(reading->bytes), at(start), end(start + reading->length) {}

    /// Pushes the document's value, or describes the error.
    bool document() {
        lb_charge(L, host, reading->length / 64);
        if (const char *bad = first_invalid_byte()) {
            return fail(bad, "Invalid UTF-8");
        }
        if (end - at >= 3 && std::memcmp(at, "\xEF\xBB\xBF", 3) == 0) {
            return fail(at, "Unexpected UTF-8 BOM (decode using utf-8-sig)");
        }
        skip_space();
        if (!value(1)) {
            return false;
        }
        skip_space();
        return at == end || fail(at, "Extra data");
    }

private:
    Reading *reading;
    const char *start;
    const char *at;
    const char *end;

    bool fail(const char *where, const char *message) {
        std::snprintf(reading->error->message, sizeof reading->error->message, "%s", message);
        reading->error->offset = static_cast<size_t>(where - start);
        return false;
    }

    const char *first_invalid_byte() const {
        if (lb_is_valid_utf8(start, static_cast<size_t>(end - start))) {
            return nullptr;
        }
        const char *p = start;
        while (size_t size = p < end ? sequence_length(p, end) : 0) {
            p += size;
        }
        return p;
    }

    /// White space costs time, too.
    void skip_space() {
        const char *begin = at;
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            at++;
        }
        if (at - begin > 64) {
            lb_charge(L, host, static_cast<size_t>(at - begin) / 16);
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
        lb_charge(L, host, 4);
        switch (*at) {
        case '{':
            return object(depth);
        case '[':
            return array(depth);
        case '"':
            return string();
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
        lb_charge(L, host, 10);
        return depth <= LB_JSON_DEPTH || fail(at, "Nested deeper than 128 levels");
    }

    /// After a member or an element: true when the bracket follows, or a comma that promises another (`more`).
    bool next(char bracket, bool *more) {
        skip_space();
        *more = at < end && *at == ',';
        if (!*more && (at == end || *at != bracket)) {
            return fail(at, "Expecting ',' delimiter");
        }
        at++;
        if (*more) {
            skip_space();
        }
        return true;
    }

    bool array(int depth) {
        if (!enter(depth)) {
            return false;
        }
        lua_createtable(L, 0, 0);
        mark_array();
        at++;
        skip_space();
        if (at < end && *at == ']') {
            at++;
            return true;
        }
        bool more = true;
        for (lua_Integer index = 1; more; index++) {
            if (!value(depth + 1)) {
                return false;
            }
            set_element(index);
            if (!next(']', &more)) {
                return false;
            }
        }
        return true;
    }

    bool object(int depth) {
        if (!enter(depth)) {
            return false;
        }
        lua_createtable(L, 0, 0);
        at++;
        skip_space();
        if (at < end && *at == '}') {
            at++;
            return true;
        }
        bool kept = false;
        for (bool more = true; more;) {
            if (at == end || *at != '"') {
                return fail(at, "Expecting property name enclosed in double quotes");
            }
            if (!string()) {
                return false;
            }
            skip_space();
            if (at == end || *at != ':') {
                return fail(at, "Expecting ':' delimiter");
            }
            at++;
            skip_space();
            if (!value(depth + 1)) {
                return false;
            }
            set_member(kept);
            if (!next('}', &more)) {
                return false;
            }
        }
        return true;
    }

    bool number() {
        bool integral = true;
        const char *begin = at;
        const char *p = lb_json::number_end(at, end, &integral);
        if (p == at) {
            return fail(at, "Expecting value");
        }
        lb_charge(L, host, static_cast<size_t>(p - at) / 4);
        lb_json::Number number = lb_json::read_number(at, p, integral);
        if (number.fidelity == lb_json::Fidelity::none) {
            return fail(at, "Number out of range");
        }
        at = p;
        if (number.is_integer) {
            push_integer(begin, p, number.integer, number.fidelity);
        } else {
            push_real(begin, p, number.real, number.fidelity);
        }
        return true;
    }

    // MARK: Strings

    /// Pushes the string at `at`.
    bool string() {
        const char *opening = at++;
        const char *begin = at;
        while (at < end && lb_json::plain(static_cast<unsigned char>(*at))) {
            at++;
        }
        lb_charge(L, host, static_cast<size_t>(at - begin) / 16);
        if (at < end && *at == '"') {
            lua_pushlstring(L, begin, static_cast<size_t>(at - begin));
            at++;
            return true;
        }
        return escaped(opening, begin);
    }

    void append(const char *bytes, size_t length) {
        if (!lb_buffer_reserve(reading->scratch, length)) {
            luaL_error(L, "not enough memory");
        }
        lb_buffer_append(reading->scratch, bytes, length);
    }

    /// Pushes a string that is not just its bytes; `at` is on the first of them that does not stand for itself.
    bool escaped(const char *opening, const char *begin) {
        reading->scratch->length = 0;
        for (;;) {
            append(begin, static_cast<size_t>(at - begin));
            if (at == end) {
                return fail(opening, "Unterminated string starting at");
            }
            if (*at == '"') {
                at++;
                lua_pushlstring(L, reading->scratch->bytes, reading->scratch->length);
                return true;
            }
            if (*at != '\\') {
                return fail(at, "Invalid control character at");
            }
            if (!escape(opening)) {
                return false;
            }
            begin = at;
            while (at < end && lb_json::plain(static_cast<unsigned char>(*at))) {
                at++;
            }
            lb_charge(L, host, 1 + static_cast<size_t>(at - begin) / 16);
        }
    }

    /// Reads the escape at `at`.
    bool escape(const char *opening) {
        if (at + 1 == end) {
            return fail(opening, "Unterminated string starting at");
        }
        if (at[1] == 'u') {
            return unicode_escape();
        }
        const char *known = std::strchr("\"\"\\\\//b\bf\fn\nr\rt\t", at[1]);
        if (at[1] == 0 || known == nullptr || static_cast<unsigned char>(at[1]) < 0x20) {
            return fail(at, "Invalid \\escape");
        }
        append(known + 1, 1);
        at += 2;
        return true;
    }

    /// Reads `\uXXXX` at `at` (on the backslash), a pair of surrogates as one character. As in Python, an escape that
    /// the text ends with is invalid, not unterminated.
    bool unicode_escape() {
        int code = lb_json::code_unit(at + 2, end);
        if (code < 0 || end - at == 6) {
            return fail(at + 1, "Invalid \\uXXXX escape");
        }
        unsigned character = static_cast<unsigned>(code);
        size_t size = 6;
        if (code >= 0xD800 && code < 0xE000) {
            bool paired = code < 0xDC00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
            int low = paired ? lb_json::code_unit(at + 8, end) : -1;
            if (low >= 0 && end - at == 12) {
                return fail(at + 7, "Invalid \\uXXXX escape");
            }
            if (low < 0xDC00 || low > 0xDFFF) {
                return fail(at + 1, "Invalid \\uXXXX escape: unpaired surrogate");
            }
            character = 0x10000u + static_cast<unsigned>((code - 0xD800) << 10 | (low - 0xDC00));
            size = 12;
        }
        char text[4];
        append(text, static_cast<size_t>(lb_json::write_character(character, text) - text));
        at += size;
        return true;
    }
};

}  // namespace

int lb_json::scan(lua_State *L) {
    auto *reading = static_cast<Reading *>(lua_touserdata(L, 1));
    luaL_checkstack(L, lb_json::reading_slots, nullptr);
    reading->failed = !Scanner(L, reading).document();
    if (reading->failed) {
        lua_settop(L, 0);
        lua_pushnil(L);
    }
    return 1;
}
