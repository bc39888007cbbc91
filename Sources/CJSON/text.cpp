#include "CJSON/text.h"

#include "CJSON.h"

#include <simdjson.h>

namespace json {

namespace {

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

}  // namespace

const char *first_invalid(const char *begin, const char *end) {
    if (cj_is_valid_utf8(begin, static_cast<size_t>(end - begin))) {
        return end;
    }
    const char *p = begin;
    while (size_t size = p < end ? sequence_length(p, end) : 0) {
        p += size;
    }
    return p;
}

char *unescape(const char *p, const char *end, char *out) {
    while (p < end) {
        const char *run = p;
        while (p < end && *p != '\\') {
            p++;
        }
        std::memcpy(out, run, static_cast<size_t>(p - run));
        out += p - run;
        if (p == end) {
            break;
        }
        if (p[1] != 'u') {
            *out++ = std::strchr(escapes, p[1])[1];
            p += 2;
            continue;
        }
        unsigned character = static_cast<unsigned>(code_unit(p + 2, end));
        p += 6;
        if (character >= 0xD800 && character < 0xDC00) {
            unsigned low = static_cast<unsigned>(code_unit(p + 2, end));
            character = 0x10000u + ((character - 0xD800) << 10 | (low - 0xDC00));
            p += 6;
        }
        out = write_character(character, out);
    }
    return out;
}

}  // namespace json

bool cj_is_valid_utf8(const char *bytes, size_t length) {
    return simdjson::validate_utf8(bytes, length);
}

size_t cj_unescape(const char *text, size_t length, char *out) {
    return static_cast<size_t>(json::unescape(text, text + length, out) - out);
}
