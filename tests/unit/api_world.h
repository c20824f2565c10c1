/* A supervisor with three groups, whose children are fakes, and a way to call it: what
 * the tests of the remote interface share.
 *
 *   cat            startsecs 1
 *   quick          startsecs 0
 *   web:w1, web:w2 startsecs 1, priorities 10 and 20
 */
#ifndef TESTS_UNIT_API_WORLD_H
#define TESTS_UNIT_API_WORLD_H

#include "applets/supervisord/api/rpc_server.h"
#include "applets/supervisord/process.h"
#include "applets/supervisord/super.h"
#include "tests/unit/fake_exchange.h"

struct api_world {
    struct loop *loop;
    struct super *super;
    struct rpc_server server;
    struct conf *conf;
};

extern struct api_world world;

void api_world_begin(void);
void api_world_end(void);
struct process *api_world_process(const char *group, const char *name);
/* One turn; the clocks move by ms first. */
void api_world_turn(int64_t ms);

/* A POST to /RPC2 with these <param> elements. */
struct http_exchange *api_call(const char *method, const char *params);
/* What it was answered, in short: "later", "status 400", "fault 10 BAD_NAME: x", or the
 * value: 7, true, 'text', [a, b], {name: value}. The text is the caller's. */
char *api_answer(const struct http_exchange *x);

#define P_STR(text)  "<param><value><string>" text "</string></value></param>"
#define P_INT(text)  "<param><value><int>" text "</int></value></param>"
#define P_BOOL(text) "<param><value><boolean>" text "</boolean></value></param>"

#endif
