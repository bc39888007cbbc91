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

/// Some bytes as a number, in the machine's order.
template <typename Word> inline Word word_at(const char *bytes) {
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

/// Whether each of eight bytes is ASCII that needs no escape.
inline bool simple(uint64_t word) {
    constexpr uint64_t ones = 0x0101010101010101;
    constexpr uint64_t highs = 0x8080808080808080;
    auto has_zero = [](uint64_t x) { return (x - ones) & ~x & highs; };
    uint64_t special = ((word - ones * 0x20) & highs) | (word & highs) | has_zero(word ^ ones * '"')
        | has_zero(word ^ ones * '\\');
    return special == 0;
}

/// The length of a prefix that is ASCII and needs no escape; eight bytes at a time, so up to seven too short.
inline size_t simple_prefix(const char *bytes, size_t length) {
    size_t i = 0;
    while (i + 8 <= length && simple(word_at<uint64_t>(bytes + i))) {
        i += 8;
    }
    return i;
}

/// Copies a text of 4 to 64 bytes as long as it is ASCII that needs no escape: eight bytes at a time, the last ones
/// overlapping those before. False: it is not, or of another length; then what was written is of no use.
inline bool copy_simple(char *to, const char *bytes, size_t length) {
    if (length < 4 || length > 64) {
        return false;
    }
    if (length < 8) {
        uint32_t first = word_at<uint32_t>(bytes);
        uint32_t last = word_at<uint32_t>(bytes + length - 4);
        std::memcpy(to, &first, 4);
        std::memcpy(to + length - 4, &last, 4);
        return simple(first | static_cast<uint64_t>(last) << 32);
    }
    for (size_t i = 0; i + 8 < length; i += 8) {
        uint64_t word = word_at<uint64_t>(bytes + i);
        if (!simple(word)) {
            return false;
        }
        std::memcpy(to + i, &word, 8);
    }
    uint64_t last = word_at<uint64_t>(bytes + length - 8);
    std::memcpy(to + length - 8, &last, 8);
    return simple(last);
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
