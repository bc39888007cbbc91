#include "json_members.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace lb_json {

namespace {

/// Members up to this many are sorted by insertion, which costs least for those that most objects have.
constexpr size_t inserted = 16;

}  // namespace

Members::Members(lua_State *L, lb_buffer *text) : L(L), text(text), members(first_members) {}

Members::~Members() {
    if (members != first_members) {
        std::free(members);
    }
}

bool Members::grow() {
    auto *grown = static_cast<Member *>(std::malloc(2 * capacity * sizeof(Member)));
    if (grown == nullptr) {
        return false;
    }
    std::memcpy(grown, members, count * sizeof(Member));
    if (members != first_members) {
        std::free(members);
    }
    members = grown;
    capacity *= 2;
    return true;
}

bool Members::comes_before(const Member *a, const Member *b) {
    int order = std::memcmp(a->name, b->name, std::min(a->length, b->length));
    return order != 0 ? order < 0 : a->length < b->length;
}

enum lb_step Members::end(size_t first, size_t from) {
    const Member *begin = members + first;
    size_t size = count - first;
    count = first;
    bool is_sorted = true;
    for (size_t i = 1; i < size && is_sorted; i++) {
        is_sorted = before(begin + i - 1, begin + i);
    }
    if (is_sorted) {
        return LB_RETURNED;
    }
    const Member *few[inserted];
    const Member **order = few;
    if (size > inserted) {
        order = static_cast<const Member **>(std::malloc(2 * size * sizeof *order));
        if (order == nullptr) {
            return LB_FAILED_MEMORY;
        }
    }
    for (size_t i = 0; i < size; i++) {
        order[i] = begin + i;
    }
    enum lb_step step = sort(order, order + size, size);
    if (step == LB_RETURNED) {
        step = move(order, begin + size - 1, from);
    }
    if (order != few) {
        std::free(order);
    }
    return step;
}

void Members::insert_all(const Member **begin, const Member **end) {
    for (const Member **next = begin + 1; next < end; next++) {
        const Member *member = *next;
        const Member **place = next;
        for (; place > begin && before(member, place[-1]); place--) {
            *place = place[-1];
        }
        *place = member;
    }
}

/// Sorts runs by insertion and merges them, into `other` and back: the clock is looked at between one merge and the
/// next.
enum lb_step Members::sort(const Member **order, const Member **other, size_t size) {
    for (size_t at = 0; at < size; at += inserted) {
        insert_all(order + at, order + std::min(at + inserted, size));
    }
    const Member **from = order;
    const Member **to = other;
    for (size_t run = inserted; run < size; run *= 2, std::swap(from, to)) {
        for (size_t at = 0; at < size; at += 2 * run) {
            size_t middle = std::min(at + run, size);
            size_t last = std::min(middle + run, size);
            std::merge(from + at, from + middle, from + middle, from + last, to + at, before);
            if (!lb_charge_work(L, lb_host_at(L), last - at)) {
                return LB_FAILED_BUDGET;
            }
        }
    }
    if (from != order) {
        std::memcpy(order, from, size * sizeof *order);
    }
    return LB_RETURNED;
}

/// Writes the members' texts in their order behind the text, and then over what was there. `last` is the last of them
/// as they stand there: a member's text ends at the comma before the next one.
enum lb_step Members::move(const Member *const *order, const Member *last, size_t from) {
    size_t length = text->length - from;
    if (!lb_buffer_reserve(text, length)) {
        return LB_FAILED_MEMORY;
    }
    char *to = text->bytes + text->length;
    for (const char *end = to + length; to < end;) {
        const Member *member = *order++;
        size_t member_length = (member == last ? text->length : member[1].begin - 1) - member->begin;
        std::memcpy(to, text->bytes + member->begin, member_length);
        to += member_length;
        if (to < end) {
            *to++ = ',';
        }
    }
    std::memcpy(text->bytes + from, text->bytes + text->length, length);
    return lb_charge_work(L, lb_host_at(L), length / 64) ? LB_RETURNED : LB_FAILED_BUDGET;
}

}  // namespace lb_json
