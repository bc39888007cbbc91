// Numbers of JSON documents: JSON has decimals of any length and several spellings of each.
#pragma once

#include <cstdint>

namespace json {

struct Number {
    bool is_integer;
    int64_t integer;
    /// Of a number with a fraction or an exponent, or beyond 64 bits.
    double real;
};

/// Reads a number that `number_end` delimited. False when there is no float near it: 1e999.
bool read_number(const char *begin, const char *end, bool integral, Number *number);

/// What a value keeps of a number's text.
enum class Fidelity {
    /// `write_number` would write the same text.
    text,
    /// It would write the same decimal number in another spelling: 6.30, 1e2, -0.
    value,
    /// The value is the nearest one, not the number: beyond 64 bits, or beyond 17 digits.
    nearest,
};

/// What the value of a number with a fraction or an exponent, or of an integer beyond 64 bits, keeps of its text.
Fidelity fidelity(const char *begin, const char *end, double value);

}  // namespace json
