// Small blocks are cut from pages of one size each: making and freeing one takes a tenth of what malloc takes, and what a
// script made together lies together. Lua tells the size of what it frees, so that a block has no header; a page is found
// from the address. A page without live blocks goes back to its slab, and a slab without pages in use to the system.

#include "pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096u
#define SLAB_PAGES 16u

typedef struct lb_page {
    struct lb_page *next, *previous;
    struct lb_slab *slab;
    /// Freed blocks; the first word of each is the next.
    void *freed;
    uint16_t size;
    uint16_t live;
    /// Where the part begins that was never given out.
    uint16_t fresh;
    uint8_t class;
} page;

typedef struct lb_slab {
    struct lb_slab *next, *previous;
    /// One bit for each page that no class has.
    uint32_t unused;
    char *pages;
} slab;

#define ALL_PAGES ((1u << SLAB_PAGES) - 1)
#define FIRST_BLOCK ((sizeof(page) + 15) & ~(size_t)15)

// Where the sanitizers look at every block, there are none of ours for them to miss.
#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLED 0
#endif
#endif
#ifndef POOLED
#define POOLED LB_POOLED
#endif

// MARK: - Pages

static unsigned class_of(size_t size) {
    if (size <= 128) {
        return (unsigned)(size - 1) / 16;
    }
    return size <= 256 ? 8 + (unsigned)(size - 129) / 32 : 12 + (unsigned)(size - 257) / 64;
}

static unsigned size_of(unsigned class) {
    return class < 8 ? 16 * (class + 1) : class < 12 ? 128 + 32 * (class - 7) : 256 + 64 * (class - 11);
}

static page *page_of(void *block) {
    return (page *)((uintptr_t)block & ~(uintptr_t)(PAGE_SIZE - 1));
}

static bool has_room(const page *page) {
    return page->freed != NULL || page->fresh + page->size <= PAGE_SIZE;
}

static void link_page(lb_pool *pool, page *page) {
    page->previous = NULL;
    page->next = pool->roomy[page->class];
    if (page->next != NULL) {
        page->next->previous = page;
    }
    pool->roomy[page->class] = page;
}

static void unlink_page(lb_pool *pool, page *page) {
    if (page->previous != NULL) {
        page->previous->next = page->next;
    } else {
        pool->roomy[page->class] = page->next;
    }
    if (page->next != NULL) {
        page->next->previous = page->previous;
    }
}

static void link_slab(lb_pool *pool, slab *slab) {
    slab->previous = NULL;
    slab->next = pool->slabs;
    if (slab->next != NULL) {
        slab->next->previous = slab;
    }
    pool->slabs = slab;
}

static void unlink_slab(lb_pool *pool, slab *slab) {
    if (slab->previous != NULL) {
        slab->previous->next = slab->next;
    } else {
        pool->slabs = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->previous = slab->previous;
    }
}

static page *take_page(lb_pool *pool, unsigned class) {
    slab *from = pool->slabs;
    if (from == NULL) {
        from = malloc(sizeof *from);
        if (from == NULL) {
            return NULL;
        }
        from->pages = aligned_alloc(PAGE_SIZE, (size_t)PAGE_SIZE * SLAB_PAGES);
        if (from->pages == NULL) {
            free(from);
            return NULL;
        }
        from->unused = ALL_PAGES;
        link_slab(pool, from);
    }
    unsigned index = (unsigned)__builtin_ctz(from->unused);
    from->unused &= from->unused - 1;
    if (from->unused == 0) {
        unlink_slab(pool, from);
    }
    page *taken = (page *)(from->pages + (size_t)index * PAGE_SIZE);
    *taken = (page){.slab = from, .size = (uint16_t)size_of(class), .fresh = FIRST_BLOCK, .class = (uint8_t)class};
    link_page(pool, taken);
    return taken;
}

static void give_back(lb_pool *pool, page *page) {
    unlink_page(pool, page);
    slab *slab = page->slab;
    if (slab->unused == 0) {
        link_slab(pool, slab);
    }
    slab->unused |= 1u << (unsigned)(((char *)page - slab->pages) / PAGE_SIZE);
    if (slab->unused == ALL_PAGES) {
        unlink_slab(pool, slab);
        free(slab->pages);
        free(slab);
    }
}

// MARK: - Blocks

static void *take(lb_pool *pool, size_t size) {
    unsigned class = class_of(size);
    page *page = pool->roomy[class];
    if (page == NULL && (page = take_page(pool, class)) == NULL) {
        return NULL;
    }
    void *block = page->freed;
    if (block != NULL) {
        page->freed = *(void **)block;
    } else {
        block = (char *)page + page->fresh;
        page->fresh += page->size;
    }
    page->live++;
    if (!has_room(page)) {
        unlink_page(pool, page);
    }
    return block;
}

static void release(lb_pool *pool, void *block) {
    page *page = page_of(block);
    bool was_full = !has_room(page);
    *(void **)block = page->freed;
    page->freed = block;
    page->live--;
    if (was_full) {
        link_page(pool, page);
    }
    // The last page with room stays: what is made and freed in turn would take and give it back each time.
    if (page->live == 0 && (page->next != NULL || page->previous != NULL)) {
        give_back(pool, page);
    }
}

static void *move(lb_pool *pool, void *block, size_t old_size, size_t new_size) {
    if (new_size <= POOLED && class_of(new_size) == class_of(old_size)) {
        return block;
    }
    void *moved = lb_pool_resize(pool, NULL, 0, new_size);
    if (moved == NULL) {
        return NULL;
    }
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    release(pool, block);
    return moved;
}

void *lb_pool_resize(lb_pool *pool, void *block, size_t old_size, size_t new_size) {
    if (block == NULL) {
        return new_size <= POOLED ? take(pool, new_size) : malloc(new_size);
    }
    if (new_size == 0) {
        if (old_size <= POOLED) {
            release(pool, block);
        } else {
            free(block);
        }
        return NULL;
    }
    if (old_size <= POOLED) {
        return move(pool, block, old_size, new_size);
    }
    if (new_size > POOLED) {
        return realloc(block, new_size);
    }
    void *moved = take(pool, new_size);
    if (moved != NULL) {
        memcpy(moved, block, new_size);
        free(block);
    }
    return moved;
}

void lb_pool_close(lb_pool *pool) {
    for (unsigned class = 0; class < LB_POOL_CLASSES; class++) {
        while (pool->roomy[class] != NULL && pool->roomy[class]->live == 0) {
            give_back(pool, pool->roomy[class]);
        }
    }
}
