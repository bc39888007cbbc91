// Memory of one Lua state for small blocks, which almost all of its objects are.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Blocks up to this size, in bytes, come from pages; larger ones from malloc.
#define LB_POOLED 512
/// Sizes of blocks: every 16 bytes up to 128, every 32 up to 256, every 64 up to 512.
#define LB_POOL_CLASSES 16

struct lb_page;
struct lb_slab;

/// Zeroed at first. One thread at a time may use it.
typedef struct {
    /// Of each class, the pages that have room.
    struct lb_page *roomy[LB_POOL_CLASSES];
    /// Those with pages that no class has.
    struct lb_slab *slabs;
} lb_pool;

/// As realloc, with the size that `block` had: NULL and 0 for a new one; `new_size` 0 frees it and returns NULL. NULL
/// otherwise: the system has no memory left, and `block` is as it was.
void *lb_pool_resize(lb_pool *pool, void *block, size_t old_size, size_t new_size);

/// Frees what the pool itself still has, once every block is freed.
void lb_pool_close(lb_pool *pool);
