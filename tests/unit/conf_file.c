#include "tests/unit/conf_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

void conf_dir_begin(void)
{
    strncpy(dir, "/tmp/conf_test.XXXXXX", sizeof dir - 1);
    assert_non_null(mkdtemp(dir));
}

void conf_dir_end(void)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

const char *conf_dir_path(void)
{
    return dir;
}

const char *conf_file_write(const char *name, const char *text)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

struct conf *conf_of(const char *text, const char **error)
{
    static char shown[2000];
    struct err err = {0};
    struct conf *c = conf_load(conf_file_write("c.conf", text), NULL, &err);
    size_t n = 0, skip = strlen(dir);
    if (c)
        return c;
    for (const char *p = err.text; *p; n++) {
        bool here = strncmp(p, dir, skip) == 0;
        shown[n] = here ? 'D' : *p;
        p += here ? skip : 1;
    }
    shown[n] = '\0';
    if (error)
        *error = shown;
    return NULL;
}
