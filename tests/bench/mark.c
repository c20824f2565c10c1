/* mark FIFO NAME [-- COMMAND...]: the program that is supervised. Tells when and as which
 * process main() was reached, then sleeps; or ends at once where MARK_EXIT is in the
 * environment; or becomes COMMAND, which gives the time of an exec.
 * A peer's run file may be "#!mark FIFO", so that no shell is in the measure; s6
 * adds an argument of its own, which is ignored. */
#include "tests/bench/tool.h"

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    tool_mark(argv[1], argv[2]);
    if (argc > 4 && strcmp(argv[3], "--") == 0) {
        execvp(argv[4], argv + 4);
        tool_die(argv[4]);
    }
    if (getenv("MARK_EXIT") != NULL)
        return 0;
    for (;;)
        pause();
}
