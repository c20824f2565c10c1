/* Prints the sample configuration, config/sample.conf, which the build turns into an
 * array (scripts/embed.sh). */
#include "applets/applet.h"
#include "core/base/inflate.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

extern const char sample_conf[];
extern const size_t sample_conf_len;

static int print_sample(void)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    int rc = inflate(&text, sample_conf, sample_conf_len);
    if (rc == 0)
        fwrite(buf_data(&text), 1, text.len, stdout);
    buf_free(&text);
    return rc < 0 || fflush(stdout) != 0 || ferror(stdout) ? -1 : 0;
}

int echo_supervisord_conf_main(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "Error: %s takes no arguments\n", argv[0]);
        return 2;
    }
    if (print_sample() == 0)
        return 0;
    fprintf(stderr, "Error: cannot write the sample: %s\n", strerror(errno));
    return 1;
}
