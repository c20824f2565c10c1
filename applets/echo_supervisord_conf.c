/* Prints the sample configuration, config/sample.conf, which the build turns into an
 * array (scripts/embed.sh). */
#include "applets/applet.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

extern const char sample_conf[];
extern const size_t sample_conf_len;

int echo_supervisord_conf_main(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "Error: %s takes no arguments\n", argv[0]);
        return 2;
    }
    fwrite(sample_conf, 1, sample_conf_len, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "Error: cannot write the sample: %s\n", strerror(errno));
    return 1;
}
