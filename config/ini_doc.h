/* Configuration files as ordered sections of (key, value, file and line), read as
 * Supervisor's parser reads them: Python's RawConfigParser with inline comments,
 * duplicate sections merged, the last of equal keys kept, [DEFAULT] inherited by all.
 * Several files may be read into one document; nothing is expanded here. */
#ifndef CONFIG_INI_DOC_H
#define CONFIG_INI_DOC_H

#include "core/base/err.h"
#include "core/base/map.h"
#include "core/base/str.h"

struct ini_entry {
    char *key;   /* ASCII letters in lower case */
    char *value; /* lines of a continued value are joined by newlines */
    unsigned file;
    int line;
};

struct ini_section {
    char *name;
    unsigned file; /* where its first header stands */
    int line;
    unsigned touched; /* the file that last gave it a key, counted from 1; 0: none */
    struct ini_entry **entries;
    size_t count, cap;
    struct map by_key;
};

struct ini_doc {
    struct strv files;             /* names, as they were given */
    struct ini_section **sections; /* without [DEFAULT] */
    size_t count, cap;
    struct map by_name;
    struct ini_section defaults; /* [DEFAULT] */
};

void ini_doc_init(struct ini_doc *doc);
void ini_doc_free(struct ini_doc *doc);

/* Reads text (n bytes) as the next file of doc, called name in messages. 0, or -1 with
 * err ERR_CONFIG in the words of Python's parser, which name the file, every bad line and
 * its number. A NUL byte is an error; what was read before one stays. */
int ini_doc_add(struct ini_doc *doc, const char *name, const char *text, size_t n,
                struct err *err);
/* The same from the file at path. -1: ERR_SYS if it cannot be read (upstream's words),
 * ERR_LIMIT if it is larger than 256 MiB, else as ini_doc_add. */
int ini_doc_load(struct ini_doc *doc, const char *path, struct err *err);

struct ini_section *ini_section_find(const struct ini_doc *doc, const char *name);
/* The entry of that key (lower case) in s, else in [DEFAULT], else NULL. */
const struct ini_entry *ini_find(const struct ini_doc *doc, const struct ini_section *s,
                                 const char *key);
const char *ini_file_name(const struct ini_doc *doc, unsigned file);

/* Puts here for every literal %(here)s, in the sections as they stand now; a section that
 * inherits such a value gets its own copy. A percent sign in here is doubled, since
 * values are expanded later. To be called after each file, when there are includes.
 * Source: upstream's expand_here. */
void ini_doc_expand_here(struct ini_doc *doc, const char *here);

#endif
