// Tables whose keys collide.
//
// Lua 5.4.4 puts an integer key at its remainder by the size of the hash part less one (`hashint` of ltable.c), and a
// float by 31 bits of its mantissa (`l_hashfloat`). Whoever chooses the keys, and that may be who sends a message with
// ids in it, can have all of them at one place of the next size. Then the growth to that size, a single instruction that
// runs no hook, takes time in proportion to the square of their number: 21 s for 131,072 keys. (The hashes of strings are
// seeded, so their collisions cannot be chosen without the state.)
//
// A table grows when its hash part has no free place left. Lua asks for the new part first: here the parts that are full
// are looked through for keys that would collide in it, by a sample, and the allocator refuses what the slice's budget
// does not hold. The layout read is that of ltable.h and lobject.h, the same in all of Lua 5.4; nothing read is trusted
// to be a pointer, because the block may as well be a buffer of a string library.

#include "bridge.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if LUA_VERSION_NUM != 504
#error "the layout of a table's nodes is that of Lua 5.4"
#endif

/// Hash parts from this many nodes on are watched. Smaller ones cost 20 ms at the worst.
#define WATCHED 4096u
/// Nanoseconds a step along a chain of colliding keys.
#define STEP 4

/// `union Node` of lobject.h.
struct node {
    union {
        void *pointer;
        lua_Integer integer;
        lua_Number number;
    } value;
    unsigned char value_kind;
    unsigned char key_kind;
    int next;
    union {
        lua_Integer integer;
        lua_Number number;
    } key;
};

/// LUA_VNUMINT and LUA_VNUMFLT of lobject.h.
enum { KIND_INTEGER = 0x03, KIND_FLOAT = 0x13 };

struct lb_nodes {
    const struct node *block;
    unsigned count;
};

bool lb_is_node_size(size_t size) {
    size_t count = size / sizeof(struct node);
    return count >= WATCHED && count * sizeof(struct node) == size && (count & (count - 1)) == 0 && count <= INT_MAX;
}

void lb_watch_nodes(lb_host *host, const void *block, size_t size) {
    if (host->node_count == host->node_capacity) {
        int capacity = host->node_capacity == 0 ? 16 : host->node_capacity * 2;
        struct lb_nodes *grown = realloc(host->nodes, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            return;
        }
        host->nodes = grown;
        host->node_capacity = capacity;
    }
    host->nodes[host->node_count++] = (struct lb_nodes){block, (unsigned)(size / sizeof(struct node))};
}

void lb_forget_nodes(lb_host *host, const void *block) {
    for (int i = host->node_count - 1; i >= 0; i--) {
        if (host->nodes[i].block == block) {
            host->nodes[i] = host->nodes[--host->node_count];
            return;
        }
    }
}

// MARK: - Sampling

/// `l_hashfloat` of ltable.c.
static unsigned hash_float(lua_Number number) {
    int exponent;
    number = frexp(number, &exponent) * -(lua_Number)INT_MIN;
    if (!(number >= (lua_Number)LUA_MININTEGER && number < -(lua_Number)LUA_MININTEGER)) {
        return 0;  // Infinite: there are two of these.
    }
    unsigned hash = (unsigned)exponent + (unsigned)(lua_Integer)number;
    return hash <= (unsigned)INT_MAX ? hash : ~hash;
}

/// The place of a key in a hash part of `count` nodes, or -1 when it does not take part.
static int64_t place_of(const struct node *node, unsigned count) {
    if ((node->value_kind & 0x0F) == 0) {
        return -1;
    }
    if (node->key_kind == KIND_INTEGER) {
        return (int64_t)((lua_Unsigned)node->key.integer % ((count - 1) | 1));
    }
    if (node->key_kind == KIND_FLOAT) {
        return hash_float(node->key.number) % ((count - 1) | 1);
    }
    return -1;
}

struct tally {
    unsigned place;
    unsigned count;
};

/// The pairs of keys of a full hash part that collide in one of `count` nodes, by a sample of one node out of each run
/// of `run`: at a random place, so that nobody can lay keys beside it. 0 when the part has a free node.
static double colliding_pairs(const struct lb_nodes *nodes, unsigned count, struct tally *tallies, unsigned mask) {
    static _Thread_local uint64_t random = 88172645463325252u;
    unsigned run = nodes->count / ((mask + 1) / 2);
    run = run == 0 ? 1 : run;
    random += (uint64_t)lb_cpu_time();
    memset(tallies, 0, (mask + 1) * sizeof *tallies);
    double pairs = 0;
    for (unsigned begin = 0; begin < nodes->count; begin += run) {
        // xorshift64, George Marsaglia, Journal of Statistical Software 8 (2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const struct node *node = &nodes->block[begin + (run == 1 ? 0 : (unsigned)(random >> 32) % run)];
        if (node->key_kind == LUA_TNIL) {
            return 0;
        }
        int64_t place = place_of(node, count);
        if (place < 0) {
            continue;
        }
        unsigned at = ((unsigned)place * 2654435761u) & mask;
        while (tallies[at].count != 0 && tallies[at].place != (unsigned)place) {
            at = (at + 1) & mask;
        }
        tallies[at].place = (unsigned)place;
        pairs += tallies[at].count++;
    }
    return pairs * run * run;
}

int64_t lb_collision_cost(lb_host *host, size_t size) {
    unsigned count = (unsigned)(size / sizeof(struct node));
    double worst = 0;
    for (int i = 0; i < host->node_count; i++) {
        const struct lb_nodes *nodes = &host->nodes[i];
        unsigned sample = nodes->count / 512;
        sample = sample < 512 ? 512 : sample > 16384 ? 16384 : sample;
        struct tally *tallies = malloc(2 * sample * sizeof *tallies);
        if (tallies == NULL) {
            continue;
        }
        double pairs = colliding_pairs(nodes, count, tallies, 2 * sample - 1);
        worst = pairs > worst ? pairs : worst;
        free(tallies);
    }
    return worst * STEP > 1e18 ? (int64_t)1e18 : (int64_t)(worst * STEP);
}
