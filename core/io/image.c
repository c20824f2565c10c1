#include "core/io/image.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The linker's. */
extern const ElfW(Ehdr) head __asm__("__ehdr_start")
    __attribute__((visibility("hidden")));

/* From the last segment to the first, in which this table itself lies. */
void image_drop(void)
{
    const char *base = (const char *)&head;
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(base + head.e_phoff);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    for (unsigned i = head.e_phnum; i-- > 0;) {
        uintptr_t from = (uintptr_t)base + segment[i].p_vaddr;
        uintptr_t end = (from + segment[i].p_memsz) & ~(page - 1);

        from = (from + page - 1) & ~(page - 1);
        if (segment[i].p_type == PT_LOAD && !(segment[i].p_flags & PF_W) && from < end)
            madvise((void *)from, end - from, MADV_DONTNEED);
    }
}
