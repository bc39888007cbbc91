// Random blocks, made, moved and freed: none overlaps another, all keep what is in them, and nothing stays in the end.

#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 4000
#define STEPS 1000000

static struct {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
} blocks[BLOCKS];

static void expect(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "pool: %s\n", what);
        exit(1);
    }
}

static void expect_marks(int index, size_t count) {
    for (size_t i = 0; i < count; i++) {
        expect(blocks[index].bytes[i] == blocks[index].mark, "a block has changed");
    }
}

static size_t random_size(int step) {
    if (rand() % 8 == 0 || (step > STEPS * 2 / 3 && rand() % 2 == 0)) {
        return 0;
    }
    return 1 + (size_t)rand() % (rand() % 3 == 0 ? 3 * LB_POOLED : 200);
}

int main(void) {
    lb_pool pool = {0};
    srand(5);
    for (int step = 0; step < STEPS; step++) {
        int index = rand() % BLOCKS;
        size_t size = random_size(step), was = blocks[index].size;
        if (size == 0 && blocks[index].bytes == NULL) {
            continue;
        }
        expect_marks(index, was);
        blocks[index].bytes = lb_pool_resize(&pool, blocks[index].bytes, was, size);
        blocks[index].size = size;
        expect((blocks[index].bytes == NULL) == (size == 0), "a block is missing");
        expect(((size_t)blocks[index].bytes & 15) == 0, "a block is not aligned");
        expect_marks(index, was < size ? was : size);
        blocks[index].mark = (unsigned char)rand();
        if (size > 0) {
            memset(blocks[index].bytes, blocks[index].mark, size);
        }
    }
    for (int index = 0; index < BLOCKS; index++) {
        if (blocks[index].bytes != NULL) {
            lb_pool_resize(&pool, blocks[index].bytes, blocks[index].size, 0);
        }
    }
    lb_pool_close(&pool);
    expect(pool.slabs == NULL, "a slab stays");
    return 0;
}
