/* The file format: any bytes are read or refused with a message; what was read comes out
 * the same when it is read again behind another file. */
#include "config/ini_doc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(const struct ini_doc *doc)
{
    for (size_t i = 0; i < doc->count; i++) {
        const struct ini_section *s = doc->sections[i];
        if (ini_section_find(doc, s->name) != s)
            abort();
        for (size_t j = 0; j < s->count; j++)
            if (!s->entries[j]->value ||
                ini_find(doc, s, s->entries[j]->key) != s->entries[j])
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini_doc doc;
    struct err err = {0};
    ini_doc_init(&doc);
    if (ini_doc_add(&doc, "one", (const char *)data, size, &err) < 0) {
        if (err.text[0] == '\0' || err.code == ERR_NONE)
            abort();
    } else {
        size_t count = doc.count;
        ini_doc_expand_here(&doc, "/a%b");
        check(&doc);
        if (ini_doc_add(&doc, "two", (const char *)data, size, &err) < 0 ||
            doc.count != count)
            abort();
        ini_doc_expand_here(&doc, "/c");
        check(&doc);
    }
    ini_doc_free(&doc);
    return 0;
}
