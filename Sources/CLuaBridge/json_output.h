// JSON text while it is written, and the place in the value that it is at.
#pragma once

#include "bridge.h"

#include <CJSON.h>
#include <CJSON/text.h>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace lb_json {

/// Stack slots that a value needs: a table, its texts, a key and a value on each level, and a few to look at them.
constexpr int writing_slots = 4 * (LB_JSON_DEPTH + 1) + 8;

/// One table on the way from the root to the value being written.
struct Frame {
    const void *table;
    /// The key in the table before: a name, or NULL and a number.
    const char *name;
    size_t name_length;
    long long number;
};

/// Writes into a buffer, within a limit and the budget. Whatever fails leaves its message there, and `step` says how.
class Output {
public:
    Output(lua_State *L, const char *path, size_t limit, lb_buffer *out)
        : L(L), host(lb_host_at(L)), path(path), limit(limit), out(out) {}

protected:
    lua_State *L;
    lb_host *host;
    const char *path;
    size_t limit;
    lb_buffer *out;
    enum lb_step step = LB_RETURNED;
    int depth = 0;
    /// A string was not UTF-8.
    bool failed_text = false;
    Frame frames[LB_JSON_DEPTH + 1];

    ~Output() = default;

    /// There is more than the limit allows.
    virtual bool beyond_limit() {
        char what[64];
        std::snprintf(what, sizeof what, "makes more than %zu bytes of JSON", limit);
        return fail(what);
    }

    bool fail(const char *what) {
        lb_buffer message = {nullptr, 0, 0};
        write_path(&message, depth);
        lb_buffer_text(&message, " ");
        lb_buffer_text(&message, what);
        lb_buffer_free(out);
        *out = message;
        step = LB_FAILED_RUNTIME;
        return false;
    }

    bool refuse(enum lb_step refused) {
        char message[LB_MESSAGE_SIZE];
        lb_write_refusal(host, refused, message, sizeof message);
        out->length = 0;
        lb_buffer_text(out, message);
        step = refused;
        return false;
    }

    bool charge(size_t units) {
        return lb_charge_work(L, host, units) || refuse(LB_FAILED_BUDGET);
    }

    void write_path(lb_buffer *message, int levels) {
        lb_buffer_text(message, path);
        for (int i = 0; i < levels; i++) {
            lb_buffer_key(message, frames[i].name, frames[i].name_length, frames[i].number);
        }
    }

    /// Room for so many bytes more, within the limit.
    bool reserve(size_t more) {
        if (more <= out->capacity - out->length && more <= limit - out->length) {
            return true;
        }
        if (more > limit - out->length) {
            return beyond_limit();
        }
        return lb_buffer_reserve(out, more) || fail("needs more memory than there is");
    }

    bool add(const char *text, size_t length) {
        if (!reserve(length)) {
            return false;
        }
        std::memcpy(out->bytes + out->length, text, length);
        out->length += length;
        return true;
    }

    bool add(char c) {
        if (!reserve(1)) {
            return false;
        }
        out->bytes[out->length++] = c;
        return true;
    }

    bool integer(long long value) {
        char text[24];
        return add(text, static_cast<size_t>(std::to_chars(text, text + sizeof text, value).ptr - text));
    }

    bool add_string(const char *bytes, size_t length) {
        // Escapes, which the usual text does not have, reserve their own room.
        if ((length >= 64 && !charge(length / 8)) || !reserve(length + 2)) {
            return false;
        }
        char *to = out->bytes + out->length;
        *to++ = '"';
        if (json::copy_simple(to, bytes, length)) {
            to[length] = '"';
            out->length += length + 2;
            return true;
        }
        size_t i = json::simple_prefix(bytes, length);
        std::memcpy(to, bytes, i);
        to += i;
        unsigned char all = 0;
        for (; i < length && json::plain(static_cast<unsigned char>(bytes[i])); i++) {
            all |= static_cast<unsigned char>(bytes[i]);
            *to++ = bytes[i];
        }
        out->length = static_cast<size_t>(to - out->bytes);
        if (i < length) {
            all |= 0x80;
            if (!add_escaped(bytes + i, length - i)) {
                return false;
            }
        }
        if (all >= 0x80 && !cj_is_valid_utf8(bytes, length)) {
            failed_text = true;
            return false;
        }
        return add('"');
    }

    bool add_escaped(const char *bytes, size_t length) {
        size_t run = 0;
        for (size_t i = 0; i < length; i++) {
            unsigned char c = static_cast<unsigned char>(bytes[i]);
            if (json::plain(c)) {
                continue;
            }
            char escape[8];
            const char *known = c == 0 ? nullptr : std::strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
            int size = known != nullptr ? std::snprintf(escape, sizeof escape, "\\%c", known[1])
                                        : std::snprintf(escape, sizeof escape, "\\u%04x", c);
            if (!charge(10) || !add(bytes + run, i - run) || !add(escape, static_cast<size_t>(size))) {
                return false;
            }
            run = i + 1;
        }
        return add(bytes + run, length - run);
    }

    /// Bytes that are no text, which JSON has no string for: {"encoding":"base64","base64":"…"} (RFC 4648 section 4).
    bool add_base64(const char *bytes, size_t length) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        static const char before[] = R"({"encoding":"base64","base64":")";
        if (!add(before, sizeof before - 1) || !reserve((length + 2) / 3 * 4)) {
            return false;
        }
        char *to = out->bytes + out->length;
        for (size_t i = 0; i < length; i += 3) {
            size_t count = length - i < 3 ? length - i : 3;
            unsigned group = 0;
            for (size_t j = 0; j < 3; j++) {
                group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
            }
            for (size_t j = 0; j < 4; j++) {
                *to++ = j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
            }
        }
        out->length = static_cast<size_t>(to - out->bytes);
        return add("\"}", 2);
    }
};

/// Has `body` write over what the buffer held, as work for the script.
template <typename Body>
enum lb_step writing(lua_State *L, int64_t budget, lb_buffer *buffer, Body body) {
    buffer->length = 0;
    if (!lua_checkstack(L, writing_slots)) {
        lb_buffer_text(buffer, "stack overflow");
        return LB_FAILED_MEMORY;
    }
    lb_host *host = lb_host_at(L);
    struct lb_work outer = lb_begin_work(L, budget, true);
    int top = lua_gettop(L);
    enum lb_step step = body();
    lua_settop(L, top);
    lb_end_work(host, outer);
    return step;
}

}  // namespace lb_json
