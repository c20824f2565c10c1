/* Prints what conf_load makes of a file, as one JSON object on one line, or
 * {"error": "..."}; for the comparison with the original. usage: conf_dump FILE... */
#include "config/conf_load.h"
#include "core/base/signame.h"

#include <stdio.h>
#include <string.h>

static void put_text(const char *text)
{
    if (!text) {
        printf("null");
        return;
    }
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 32)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_key(const char *name)
{
    printf("\"%s\": ", name);
}

#define TEXT(s, name)   (put_key(#name), put_text((s)->name), printf(", "))
#define NUMBER(s, name) printf("\"%s\": %lld, ", #name, (long long)(s)->name)

static void put_env(const struct env_conf *env)
{
    printf("\"environment\": {");
    for (size_t i = 0; i < env->keys.len; i++) {
        printf("%s", i ? ", " : "");
        put_text(env->keys.items[i]);
        printf(": ");
        put_text(env->values.items[i]);
    }
    printf("}, ");
}

static void put_channel(const char *name, const struct channel_conf *c)
{
    static const char *const targets[] = {"none", "auto", "file", "syslog"};
    printf("\"%s\": {\"target\": \"%s\", ", name, targets[c->target]);
    TEXT(c, logfile);
    NUMBER(c, logfile_maxbytes);
    NUMBER(c, logfile_backups);
    NUMBER(c, capture_maxbytes);
    NUMBER(c, events_enabled);
    printf("\"syslog\": %d}, ", c->syslog);
}

static void put_process(const struct program_conf *p)
{
    static const char *const restarts[] = {"never", "unexpected", "always"};
    printf("{");
    TEXT(p, name);
    TEXT(p, command);
    TEXT(p, directory);
    NUMBER(p, umask);
    NUMBER(p, priority);
    NUMBER(p, autostart);
    printf("\"autorestart\": \"%s\", ", restarts[p->autorestart]);
    NUMBER(p, startsecs);
    NUMBER(p, startretries);
    NUMBER(p, stopsignal);
    NUMBER(p, stopwaitsecs);
    NUMBER(p, stopasgroup);
    NUMBER(p, killasgroup);
    NUMBER(p, redirect_stderr);
    put_channel("out", &p->out);
    put_channel("err", &p->err);
    printf("\"uid\": %lld, ", p->has_uid ? (long long)p->uid : -1);
    put_env(&p->environment);
    TEXT(p, serverurl);
    printf("\"exitcodes\": [");
    for (size_t i = 0; i < p->exitcode_count; i++)
        printf("%s%d", i ? ", " : "", p->exitcodes[i]);
    printf("]}");
}

static void put_group(const struct group_conf *g)
{
    static const char *const group_kinds[] = {"programs", "listeners", "fcgi"};
    printf("{");
    TEXT(g, name);
    NUMBER(g, priority);
    printf("\"kind\": \"%s\", ", group_kinds[g->kind]);
    NUMBER(&g->listener, buffer_size);
    printf("\"events\": [");
    for (size_t i = 0; i < g->listener.event_count; i++)
        printf("%s\"%s\"", i ? ", " : "", event_type_name(g->listener.events[i]));
    printf("], ");
    TEXT(&g->fcgi, socket_path);
    TEXT(&g->fcgi, host);
    NUMBER(&g->fcgi, port);
    printf("\"processes\": [");
    for (size_t i = 0; i < g->process_count; i++) {
        printf("%s", i ? ", " : "");
        put_process(g->processes[i]);
    }
    printf("]}");
}

static void put_http(const struct http_conf *h)
{
    printf("{");
    TEXT(h, section);
    TEXT(h, file);
    TEXT(h, host);
    NUMBER(h, port);
    TEXT(h, username);
    TEXT(h, password);
    printf("\"chmod\": %u, ", h->chmod);
    printf("\"chown\": [%lld, %lld]}", h->has_chown ? (long long)h->chown_uid : -1,
           h->has_chown && h->chown_gid != (gid_t)-1 ? (long long)h->chown_gid : -1);
}

static void put_server(const struct server_conf *s)
{
    TEXT(s, logfile);
    NUMBER(s, logfile_maxbytes);
    NUMBER(s, logfile_backups);
    NUMBER(s, loglevel);
    TEXT(s, pidfile);
    NUMBER(s, umask);
    NUMBER(s, nodaemon);
    NUMBER(s, silent);
    NUMBER(s, nocleanup);
    NUMBER(s, strip_ansi);
    NUMBER(s, minfds);
    NUMBER(s, minprocs);
    TEXT(s, childlogdir);
    printf("\"uid\": %lld, ", s->has_user ? (long long)s->uid : -1);
    TEXT(s, directory);
    TEXT(s, identifier);
    put_env(&s->environment);
}

static void put_conf(const struct conf *c)
{
    printf("{");
    put_server(&c->server);
    TEXT(c, serverurl);
    printf("\"groups\": [");
    for (size_t i = 0; i < c->group_count; i++) {
        printf("%s", i ? ", " : "");
        put_group(c->groups[i]);
    }
    printf("], \"http\": [");
    for (size_t i = 0; i < c->http_count; i++) {
        printf("%s", i ? ", " : "");
        put_http(c->http[i]);
    }
    printf("], \"warnings\": [");
    for (size_t i = 0; i < c->warnings.len; i++) {
        printf("%s", i ? ", " : "");
        put_text(c->warnings.items[i]);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct err err = {0};
        struct conf *c = conf_load(argv[i], NULL, &err);
        if (c) {
            put_conf(c);
        } else {
            printf("{\"error\": ");
            put_text(err.text);
            printf("}\n");
        }
        conf_unref(c);
    }
    return 0;
}
