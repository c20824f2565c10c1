#include "core/base/build.h"

#include "core/base/util.h"

#include <elf.h>
#include <link.h>
#include <string.h>

/* The linker's: the first byte of the binary in memory. */
extern const char image_begin[] __asm__("__ehdr_start")
    __attribute__((visibility("hidden")));

enum { SHOWN_BYTES = 6 };

static bool from_note(const char *at, size_t n, char *text)
{
    static const char digits[] = "0123456789abcdef";
    while (n >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof note);
        size_t name = (note.n_namesz + 3U) & ~3U, desc = (note.n_descsz + 3U) & ~3U;
        if (n - sizeof note < name || n - sizeof note - name < desc)
            return false;
        const char *id = at + sizeof note + name;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(at + sizeof note, "GNU", 4) == 0 && note.n_descsz >= SHOWN_BYTES) {
            for (size_t i = 0; i < SHOWN_BYTES; i++) {
                text[2 * i] = digits[(unsigned char)id[i] >> 4];
                text[2 * i + 1] = digits[(unsigned char)id[i] & 15];
            }
            return true;
        }
        at = id + desc;
        n -= sizeof note + name + desc;
    }
    return false;
}

const char *build_id(void)
{
    static char text[2 * SHOWN_BYTES + 1];
    ElfW(Ehdr) head;
    memcpy(&head, image_begin, sizeof head);
    const char *base = head.e_type == ET_EXEC ? NULL : image_begin;
    for (size_t i = 0; i < head.e_phnum && !text[0]; i++) {
        ElfW(Phdr) part;
        memcpy(&part, image_begin + head.e_phoff + i * sizeof part, sizeof part);
        if (part.p_type == PT_NOTE)
            from_note((const char *)((uintptr_t)base + part.p_vaddr), part.p_memsz, text);
    }
    return text[0] ? text : "unknown";
}
