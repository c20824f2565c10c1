/* The texts that explain: of each applet's command line and of supervisorctl's actions.
 * They stand as they are printed in help.txt, which the build packs into the binary. */
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include "core/base/buf.h"

#include <stdio.h>

/* Appends what help.txt has under [topic], with `program` for the word PROGRAM. 0, or -1:
 * it has nothing there, or as buf. */
int help_text(struct buf *out, const char *topic, const char *program);
/* The same to a file; an error shows there. */
void help_print(FILE *file, const char *topic, const char *program);

#endif
