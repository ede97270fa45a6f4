/*
 * Keeps the stacks of loom's threads for its next ones: a library for LD_PRELOAD.
 *
 * loom maps, guards and unmaps a stack for each thread of each interleaving. Without these system
 * calls the models need half the processor time. A kept stack has its guard page already.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST 64

struct stack {
    void *base;
    size_t size;
    int guarded;
    int free;
};

/* A model runs on one thread of the operating system, whatever threads it has in loom. */
static __thread struct stack stacks[MOST];
static __thread int count;

static struct stack *find(void *base)
{
    for (int i = 0; base && i < count; i++)
        if (stacks[i].base == base)
            return &stacks[i];
    return NULL;
}

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    int is_stack = at == NULL && file == -1 && (flags & MAP_STACK);
    for (int i = 0; is_stack && i < count; i++)
        if (stacks[i].free && stacks[i].size == size) {
            stacks[i].free = 0;
            return stacks[i].base;
        }
    void *base = (void *)syscall(SYS_mmap, at, size, protection, flags, file, offset);
    if (is_stack && base != MAP_FAILED && count < MOST)
        stacks[count++] = (struct stack){base, size, 0, 0};
    return base;
}

int mprotect(void *at, size_t size, int protection)
{
    struct stack *stack = find(at);
    if (stack && protection == PROT_NONE) {
        if (stack->guarded)
            return 0;
        stack->guarded = 1;
    }
    return (int)syscall(SYS_mprotect, at, size, protection);
}

int munmap(void *at, size_t size)
{
    struct stack *stack = find(at);
    if (stack && stack->size == size) {
        stack->free = 1;
        return 0;
    }
    return (int)syscall(SYS_munmap, at, size);
}
