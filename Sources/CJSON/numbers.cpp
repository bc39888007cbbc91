#include "CJSON/numbers.h"

#include "CJSON/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

namespace json {

namespace {

/// A decimal number as its digits without zeros at either end, and the power of ten of the last of them.
struct Decimal {
    const char *begin;
    const char *end;
    size_t digits;
    long long exponent;
};

/// Exponents beyond this many digits are all the same: no float comes near them.
constexpr long long longest_exponent = 1LL << 40;

long long read_exponent(const char *p, const char *end) {
    bool negative = p < end && *p == '-';
    if (p < end && !digit(*p)) {
        p++;
    }
    long long value = 0;
    for (; p < end; p++) {
        value = std::min(value * 10 + (*p - '0'), longest_exponent);
    }
    return negative ? -value : value;
}

Decimal decimal(const char *begin, const char *end) {
    const char *mantissa_end = begin;
    while (mantissa_end < end && *mantissa_end != 'e' && *mantissa_end != 'E') {
        mantissa_end++;
    }
    const char *point = begin;
    while (point < mantissa_end && *point != '.') {
        point++;
    }
    Decimal result = {begin, mantissa_end, 0, 0};
    while (result.begin < result.end && (*result.begin < '1' || *result.begin > '9')) {
        result.begin++;
    }
    while (result.end > result.begin && (result.end[-1] == '0' || result.end[-1] == '.')) {
        result.end--;
    }
    for (const char *p = result.begin; p < result.end; p++) {
        result.digits += *p != '.';
    }
    if (result.digits > 0) {
        // The number of places from the last digit to the point; negative when it stands behind the point.
        result.exponent = result.end <= point ? point - result.end : -(result.end - point - 1);
        if (mantissa_end < end) {
            result.exponent += read_exponent(mantissa_end + 1, end);
        }
    }
    return result;
}

/// Whether two texts are the same decimal number, but for the sign.
bool same_decimal(const char *a, const char *a_end, const char *b, const char *b_end) {
    Decimal left = decimal(a, a_end);
    Decimal right = decimal(b, b_end);
    if (left.digits != right.digits || left.exponent != right.exponent) {
        return false;
    }
    const char *q = right.begin;
    for (const char *p = left.begin; p < left.end; p++) {
        if (*p == '.') {
            continue;
        }
        q += *q == '.';
        if (*p != *q++) {
            return false;
        }
    }
    return true;
}

/// Whether a text is what `write_number` writes, seen without writing: at most 15 digits, which every float keeps
/// apart from all others of as many (DBL_DIG), with a point, no exponent and no zero at the end but one in `.0`.
bool is_plainly_written(const char *begin, const char *end) {
    const char *p = begin + (*begin == '-');
    if (end - p > 16) {
        return false;
    }
    const char *point = p;
    while (point < end && digit(*point)) {
        point++;
    }
    if (point == end || *point != '.') {
        return false;
    }
    for (const char *q = point + 1; q < end; q++) {
        if (!digit(*q)) {
            return false;
        }
    }
    if (end[-1] == '0' && end - point > 2) {
        return false;
    }
    // Fixed notation begins at 1e-5: a digit before the point, or one of the first four after it.
    return *p != '0' || end - point <= 5;
}

}  // namespace

Fidelity fidelity(const char *begin, const char *end, double value) {
    if (is_plainly_written(begin, end)) {
        return Fidelity::text;
    }
    char written[number_size];
    const char *written_end = write_number(value, written);
    if (written_end - written == end - begin && std::memcmp(written, begin, static_cast<size_t>(end - begin)) == 0) {
        return Fidelity::text;
    }
    return same_decimal(begin, end, written, written_end) ? Fidelity::value : Fidelity::nearest;
}

bool read_number(const char *begin, const char *end, bool integral, Number *number) {
    number->is_integer = integral && std::from_chars(begin, end, number->integer).ec == std::errc();
    if (number->is_integer) {
        return true;
    }
    if (std::from_chars(begin, end, number->real).ec != std::errc() || std::isinf(number->real)) {
        // Out of range: too large, or too close to zero.
        Decimal read = decimal(begin, end);
        if (static_cast<long long>(read.digits) + read.exponent > 0) {
            return false;
        }
        number->real = *begin == '-' ? -0.0 : 0.0;
    }
    return true;
}

}  // namespace json
