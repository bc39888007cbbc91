// The members of objects while they are written, and their order.
#pragma once

#include "bridge.h"

#include <cstdint>

namespace lb_json {

/// Members of the objects under way, as they stand in the text: those of an inner object behind those of the outer one.
class Members {
public:
    /// `text` is where the members are written.
    Members(lua_State *L, lb_buffer *text);
    ~Members();
    Members(const Members &) = delete;
    Members &operator=(const Members &) = delete;

    /// An object begins. What it returns belongs to `end`.
    size_t begin() const { return count; }

    /// A member's text begins here. False when there is no memory for it.
    bool add(const char *name, size_t length) {
        if (count == capacity && !grow()) {
            return false;
        }
        members[count++] = {prefix(name, length), name, length, text->length};
        return true;
    }

    /// As above, for a member without a name: those come first, in the order of the numbers given, as far as that goes.
    bool add(long long order) {
        if (count == capacity && !grow()) {
            return false;
        }
        uint64_t place = order < 0 ? 0 : order > most ? most : static_cast<uint64_t>(order);
        members[count++] = {place, "", 0, text->length};
        return true;
    }

    /// The object has all its members, separated by commas, from `from` to the end of the text: brings them into the
    /// order of their names' bytes. LB_FAILED_MEMORY and LB_FAILED_BUDGET when it could not.
    enum lb_step end(size_t first, size_t from);

private:
    struct Member {
        /// The first eight bytes of the name as a number, so that most comparisons need no more.
        uint64_t prefix;
        const char *name;
        size_t length;
        /// Where its text begins, its name first.
        size_t begin;
    };

    static constexpr size_t inline_count = 64;
    /// Below the prefix of any name that does not begin with a zero byte.
    static constexpr long long most = (1LL << 56) - 1;

    lua_State *L;
    lb_buffer *text;
    Member *members;
    size_t count = 0;
    size_t capacity = inline_count;
    Member first_members[inline_count];

    static uint64_t prefix(const char *name, size_t length) {
        auto byte = [=](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(name[i])) << (56 - 8 * i); };
        auto four = [=](size_t i) { return byte(i) | byte(i + 1) | byte(i + 2) | byte(i + 3); };
        switch (length) {
        case 0:
            return 0;
        case 1:
            return byte(0);
        case 2:
            return byte(0) | byte(1);
        case 3:
            return byte(0) | byte(1) | byte(2);
        case 4:
            return four(0);
        case 5:
            return four(0) | byte(4);
        case 6:
            return four(0) | byte(4) | byte(5);
        case 7:
            return four(0) | byte(4) | byte(5) | byte(6);
        default:
            return four(0) | four(4);
        }
    }

    static bool before(const Member *a, const Member *b) {
        return a->prefix != b->prefix ? a->prefix < b->prefix : comes_before(a, b);
    }

    static bool comes_before(const Member *a, const Member *b);
    static void insert_all(const Member **begin, const Member **end);
    bool grow();
    enum lb_step sort(const Member **order, const Member **other, size_t size);
    enum lb_step move(const Member *const *order, const Member *last, size_t from);
};

}  // namespace lb_json
