/* Stands in for whatever program a configuration names: it keeps its arguments, its
 * environment and its directory as they were given (the test reads them from /proc) and
 * does nothing until it is told to end. */
#include <unistd.h>

int main(void)
{
    for (;;)
        pause();
}
