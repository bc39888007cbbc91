#include "CNames.h"

/// Nothing longer is meant by a name of CN_LONGEST bytes.
#define LONGEST_OTHER (2 * CN_LONGEST)

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/// Optimal string alignment, three rows at a time.
static size_t align(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][LONGEST_OTHER + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            char x = lower(a[i - 1]);
            char y = lower(b[j - 1]);
            row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

size_t cn_distance(const char *name, size_t length, const char *other, size_t other_length, size_t reach) {
    if (length > CN_LONGEST || other_length > LONGEST_OTHER || length > other_length + reach
        || other_length > length + reach) {
        return reach + 1;
    }
    return align(name, length, other, other_length);
}
