// The small pieces of JSON text: numbers, characters, escapes.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace json {

// MARK: - Writing

/// Whether a byte of a string stands for itself.
inline bool plain(unsigned char c) {
    return c >= 0x20 && c != '"' && c != '\\';
}

/// The length of a prefix that is ASCII and needs no escape; eight bytes at a time, so up to seven too short.
inline size_t simple_prefix(const char *bytes, size_t length) {
    constexpr uint64_t ones = 0x0101010101010101;
    constexpr uint64_t highs = 0x8080808080808080;
    auto has_zero = [](uint64_t x) { return (x - ones) & ~x & highs; };
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t x;
        std::memcpy(&x, bytes + i, 8);
        if (((x - ones * 0x20) & highs) | (x & highs) | has_zero(x ^ ones * '"') | has_zero(x ^ ones * '\\')) {
            break;
        }
    }
    return i;
}

constexpr size_t number_size = 40;

/// Writes the shortest text that reads as the same float and as a float, not an integer. Its end.
inline char *write_number(double value, char *text) {
    double size = std::fabs(value);
    bool fixed = size == 0 || (size >= 1e-5 && size < 1e16);
    auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
    char *end = std::to_chars(text, text + number_size - 2, value, format).ptr;
    if (fixed && std::memchr(text, '.', static_cast<size_t>(end - text)) == nullptr) {
        *end++ = '.';
        *end++ = '0';
    }
    return end;
}

/// Writes a character in UTF-8. Its end.
inline char *write_character(unsigned code, char *text) {
    auto tail = [&](int shift) { *text++ = static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        *text++ = static_cast<char>(code);
    } else if (code < 0x800) {
        *text++ = static_cast<char>(0xC0 | code >> 6);
        tail(0);
    } else if (code < 0x10000) {
        *text++ = static_cast<char>(0xE0 | code >> 12);
        tail(6);
        tail(0);
    } else {
        *text++ = static_cast<char>(0xF0 | code >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
    return text;
}

/// The first byte of a text that is not well-formed UTF-8 (RFC 3629, section 4); its end when all of it is.
const char *first_invalid(const char *begin, const char *end);

// MARK: - Reading

inline bool digit(char c) {
    return c >= '0' && c <= '9';
}

/// The end of the number that begins at `p`, or `p` when there is none (RFC 8259, section 6).
inline const char *number_end(const char *p, const char *end, bool *integral) {
    const char *begin = p;
    if (p < end && *p == '-') {
        p++;
    }
    if (p == end || !digit(*p)) {
        return begin;
    }
    if (*p == '0') {
        p++;
    } else {
        while (p < end && digit(*p)) {
            p++;
        }
    }
    if (end - p >= 2 && *p == '.' && digit(p[1])) {
        *integral = false;
        for (p++; p < end && digit(*p); p++) {
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *exponent = p + 1;
        if (exponent < end && (*exponent == '+' || *exponent == '-')) {
            exponent++;
        }
        if (exponent < end && digit(*exponent)) {
            *integral = false;
            for (p = exponent; p < end && digit(*p); p++) {
            }
        }
    }
    return p;
}

inline int hex(char c) {
    return digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The four hexadecimal digits at `p`, or -1.
inline int code_unit(const char *p, const char *end) {
    int result = 0;
    for (int i = 0; i < 4; i++) {
        int value = p + i < end ? hex(p[i]) : -1;
        if (value < 0) {
            return -1;
        }
        result = result << 4 | value;
    }
    return result;
}

/// What may follow a backslash, each before the byte it stands for; `u` is another matter.
constexpr char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

inline bool is_escape(char c) {
    return static_cast<unsigned char>(c) > 0x20 && std::strchr(escapes, c) != nullptr;
}

/// Writes what a string of a checked document stands for. The end of what is written: no escape is shorter than the
/// UTF-8 of its character.
char *unescape(const char *p, const char *end, char *out);

}  // namespace json
