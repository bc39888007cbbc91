// What was probably meant by a name that is not there: for whatever says "did you mean", in C and in Swift.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes of a name that is compared; longer ones are near to none.
#define CN_LONGEST 64

/// Edits (insertions, deletions, replacements, neighbours swapped; upper and lower case are the same) that make one name
/// of the other, if they are no more than `reach`; else more than that.
size_t cn_distance(const char *name, size_t length, const char *other, size_t other_length, size_t reach);

#ifdef __cplusplus
}
#endif
