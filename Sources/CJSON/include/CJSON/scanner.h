// The one reader of JSON text: it says where and why a document is none as Python's json module words it (what FastAPI
// shows in `json_invalid`), and tells a sink what is in it.
#pragma once

#include "../CJSON.h"
#include "numbers.h"
#include "text.h"

#include <cstring>

namespace json {

/// A string between its quotes.
struct Text {
    const char *begin;
    const char *end;
    bool has_escapes;
};

/// Scans one document. A sink is told of everything in it, in its order, and may leave by a longjmp: a scanner has
/// nothing to destroy. It has
///
///     void charge(size_t units);        // work ahead, in units of about 10 ns
///     void null();
///     void boolean(bool);
///     void string(Text);
///     bool number(const char *begin, const char *end, bool integral);  // false for one that is out of range
///     void array_begin();
///     void element(long index);         // the value told last is the array's, counted from 1
///     void array_end();
///     Object object_begin();            // what the sink wants to know of this object, of a type of its own
///     void key(Text);
///     void member(Object &, const char *begin, const char *end);  // the value told last is the key's, and stands there
///     void object_end();
template <typename Sink>
class Scanner {
public:
    Scanner(const char *bytes, size_t length, Sink &sink) : sink(sink), start(bytes), at(bytes), end(bytes + length) {}

    /// Whether it is JSON; if not, says why.
    bool document(cj_error *failure) {
        error = failure;
        sink.charge(static_cast<size_t>(end - start) / 64);
        const char *bad = first_invalid(start, end);
        error->is_utf8_error = bad != end;
        if (bad != end) {
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
    Sink &sink;
    const char *start;
    const char *at;
    const char *end;
    cj_error *error = nullptr;

    bool fail(const char *where, const char *message) {
        error->message = message;
        error->offset = static_cast<size_t>(where - start);
        return false;
    }

    /// White space costs time, too.
    void skip_space() {
        const char *begin = at;
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
            at++;
        }
        if (at - begin > 64) {
            sink.charge(static_cast<size_t>(at - begin) / 16);
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
        sink.charge(4);
        switch (*at) {
        case '{':
            return object(depth);
        case '[':
            return array(depth);
        case '"': {
            Text text;
            if (!string(&text)) {
                return false;
            }
            sink.string(text);
            return true;
        }
        case 't':
            return word("true") && (sink.boolean(true), true);
        case 'f':
            return word("false") && (sink.boolean(false), true);
        case 'n':
            return word("null") && (sink.null(), true);
        default:
            return number();
        }
    }

    bool number() {
        bool integral = true;
        const char *begin = at;
        const char *number_end = json::number_end(begin, end, &integral);
        if (number_end == begin) {
            return fail(begin, "Expecting value");
        }
        sink.charge(static_cast<size_t>(number_end - begin) / 4);
        if (!sink.number(begin, number_end, integral)) {
            return fail(begin, "Number out of range");
        }
        at = number_end;
        return true;
    }

    // MARK: Arrays and objects

    bool enter(int depth) {
        sink.charge(10);
        return depth <= CJ_DEPTH || fail(at, "Nested deeper than 128 levels");
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
        sink.array_begin();
        at++;
        skip_space();
        bool more = at == end || *at != ']';
        if (!more) {
            at++;
        }
        for (long index = 1; more; index++) {
            if (!value(depth + 1)) {
                return false;
            }
            sink.element(index);
            if (!next(']', &more)) {
                return false;
            }
        }
        sink.array_end();
        return true;
    }

    bool object(int depth) {
        if (!enter(depth)) {
            return false;
        }
        auto members = sink.object_begin();
        at++;
        skip_space();
        bool more = at == end || *at != '}';
        if (!more) {
            at++;
        }
        while (more) {
            if (at == end || *at != '"') {
                return fail(at, "Expecting property name enclosed in double quotes");
            }
            Text text;
            if (!string(&text)) {
                return false;
            }
            sink.key(text);
            skip_space();
            if (at == end || *at != ':') {
                return fail(at, "Expecting ':' delimiter");
            }
            at++;
            skip_space();
            const char *begin = at;
            if (!value(depth + 1)) {
                return false;
            }
            sink.member(members, begin, at);
            if (!next('}', &more)) {
                return false;
            }
        }
        sink.object_end();
        return true;
    }

    // MARK: Strings

    bool string(Text *text) {
        const char *opening = at++;
        text->begin = at;
        text->has_escapes = false;
        for (;;) {
            const char *begin = at;
            at += simple_prefix(at, static_cast<size_t>(end - at));
            while (at < end && plain(static_cast<unsigned char>(*at))) {
                at++;
            }
            sink.charge(static_cast<size_t>(at - begin) / 16);
            if (at == end) {
                return fail(opening, "Unterminated string starting at");
            }
            if (*at == '"') {
                text->end = at++;
                return true;
            }
            if (*at != '\\') {
                return fail(at, "Invalid control character at");
            }
            sink.charge(2);
            text->has_escapes = true;
            if (!escape(opening)) {
                return false;
            }
        }
    }

    /// Passes the escape at `at`.
    bool escape(const char *opening) {
        if (at + 1 == end) {
            return fail(opening, "Unterminated string starting at");
        }
        if (at[1] == 'u') {
            return unicode_escape();
        }
        if (!is_escape(at[1])) {
            return fail(at, "Invalid \\escape");
        }
        at += 2;
        return true;
    }

    /// Passes `\uXXXX` at `at` (on the backslash), a pair of surrogates as one character; half of a pair has no UTF-8.
    /// As in Python, an escape that the text ends with is invalid, not unterminated.
    bool unicode_escape() {
        int code = code_unit(at + 2, end);
        if (code < 0 || end - at == 6) {
            return fail(at + 1, "Invalid \\uXXXX escape");
        }
        if (code < 0xD800 || code >= 0xE000) {
            at += 6;
            return true;
        }
        bool is_paired = code < 0xDC00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
        int low = is_paired ? code_unit(at + 8, end) : -1;
        if (low >= 0 && end - at == 12) {
            return fail(at + 7, "Invalid \\uXXXX escape");
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return fail(at + 1, "Invalid \\uXXXX escape: unpaired surrogate");
        }
        at += 12;
        return true;
    }
};

}  // namespace json
