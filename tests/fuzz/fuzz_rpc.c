/* Whole XML-RPC requests against a supervisor with fake children: whatever comes, there
 * is one answer, now or later, well-formed, and nothing is left behind. */
/* links: tests/unit/api_world.c tests/unit/fake_exchange.c tests/unit/fake_spawn.c all */
#include "core/base/log.h"
#include "tests/unit/api_world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_drop_early();
    api_world_begin();
    struct http_exchange *x =
        fake_exchange_new("POST", "/RPC2", (const char *)data, size);
    rpc_handle(x, &world.server);
    for (int i = 0; i < 3 && !x->ended; i++)
        api_world_turn(1000);
    if (x->deferred && !x->ended)
        fake_exchange_leave(x);
    if (!x->ended)
        abort();
    char *answer = x->status ? api_answer(x) : NULL;
    if (answer && strncmp(answer, "broken", 6) == 0)
        abort();
    free(answer);
    api_world_end();
    fake_exchange_free(x);
    return 0;
}
