/* A supervisor's state as a record, and back. */
/* links: tests/unit/fake_spawn.c tests/unit/conf_file.c all */
#include "tests/unit/super_world.h"

static void a_rich_state_round_trips(void **state)
{
    UNUSED(state);
    make_it_rich();
    int64_t deadline_ms = process_deadline_ms(find("auto", "auto_1"));
    uint64_t id = process_id(find("late", "late"));
    save_base();
    check_record();
    assert_int_equal(process_deadline_ms(find("auto", "auto_1")), deadline_ms);
    assert_ptr_equal(super_find_process(w.super, id), find("late", "late"));
    assert_string_equal(process_conf(find("late", "late"))->command, "/bin/late");
    checkpoint();
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    check_record();

    /* Everything goes on where it was. */
    struct process *plain = find("plain", "plain");
    assert_int_equal(process_backoff(plain), 1);
    turn(1000);
    assert_int_equal(process_state(plain), PROC_STARTING);
    struct process *stopping = find("auto", "auto_1");
    turn(6000);
    assert_int_equal(fake_spawn.last_target, process_pid(stopping));
    assert_int_equal(fake_spawn.last_signal, SIGKILL);
    die(stopping, SIGKILL);
    assert_int_equal(process_state(stopping), PROC_STOPPED);
}

static void a_captured_text_goes_on(void **state)
{
    UNUSED(state);
    char log[400];
    make_it_rich();
    save_base();
    next_image();
    struct process *zero = find("pool", "0"), *capture = find("capture", "capture");
    say(zero, "123456"); /* its answer of nine bytes is complete: not OK, so rejected */
    say(capture, "ISOR:END-->b");
    read_log("capture.log", log, sizeof log);
    assert_string_equal(log, "ab");
    assert_non_null(strstr(buf_str(&w.lines), "event was rejected"));
    buf_free(&w.lines);
    turn(0);
    for (int i = 0; i < 6; i++) {
        say(zero, "READY\n");
        turn(0);
        const char *event = heard(zero);
        assert_non_null(strstr(event, "pool:pool"));
        if (strstr(event, "PROCESS_COMMUNICATION_STDOUT")) {
            assert_non_null(strstr(event, "\nprocess group=5:plain name=5:plain "
                                          "state=3:200\nforged"));
            return;
        }
        say(zero, "RESULT 2\nOK");
    }
    fail_msg("no event of the captured text");
}

/* What a listener had in hand and returned comes again before everything else. */
static void events_keep_their_order(void **state)
{
    UNUSED(state);
    char first[2][400];
    turn(0);
    struct process *zero = ready_listener("0");
    empty_the_buffer(zero);
    struct process *one = ready_listener("1");
    for (int i = 0; i < 3; i++)
        event_emit(
            &super_engine(w.super)->bus,
            &(struct event){.type = EVENT_PROCESS_GROUP_REMOVED, .group_name = "x"});
    turn(0);
    snprintf(first[0], sizeof first[0], "%s", heard(zero));
    snprintf(first[1], sizeof first[1], "%s", heard(one));
    save_base();
    say(zero, "RESULT 4\nFAIL");
    assert_int_equal(save_changes(), SUPER_CHANGED);
    say(one, "RESULT 4\nFAIL");
    event_emit(&super_engine(w.super)->bus,
               &(struct event){.type = EVENT_PROCESS_GROUP_REMOVED, .group_name = "y"});
    assert_int_equal(save_changes(), SUPER_CHANGED);
    check_record();
    zero = find("pool", "0");
    const int order[] = {1, 0};
    for (int i = 0; i < 2; i++) {
        say(zero, "READY\n");
        turn(0);
        assert_string_equal(heard(zero), first[order[i]]);
        say(zero, "RESULT 2\nOK");
    }
}

/* It was sent an event just before the end, and nobody remembers. */
static void doubts_are_forgiven_once_each(void **state)
{
    UNUSED(state);
    turn(0);
    struct process *zero = ready_listener("0");
    empty_the_buffer(zero);
    save_base();
    next_image();
    checkpoint();
    next_image();
    zero = find("pool", "0");
    for (int i = 0; i < 2; i++) {
        say(zero, "RESULT 2\nOK");
        say(zero, "READY\n");
        assert_null(process_note(zero));
    }
    say(zero, "READY\n");
    assert_string_equal(process_note(zero), "listener state UNKNOWN");
}

static void changes_follow_a_base(void **state)
{
    UNUSED(state);
    struct err err = {0};
    save_base();
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    process_mark(find("plain", "plain"));
    assert_int_equal(save_changes(), SUPER_CHANGED);
    size_t len = w.record.len;
    check_record();
    checkpoint();
    process_stop(find("plain", "plain"));
    len = w.record.len;
    assert_int_equal(save_changes(), SUPER_CHANGED);
    assert_in_range(w.record.len - len, 50, 800); /* one process, not all */
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    process_stop(find("capture", "capture"));
    die(find("capture", "capture"), 0);
    struct process *capture = start("capture", "capture");
    turn(2000);
    checkpoint();
    static const char *const changing[] = {"a<!--XSUP", "ERVISOR:BEGIN-->", "x",
                                           "<!--XSUPERVISOR:END-->"};
    say(capture, "nothing to remember");
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    for (size_t i = 0; i < array_len(changing); i++) {
        say(capture, changing[i]);
        assert_int_equal(save_changes(), SUPER_CHANGED);
    }
    die(find("plain", "plain"), 0);
    assert_int_equal(save_changes(), SUPER_CHANGED);
    check_record();

    checkpoint();
    assert_int_equal(super_reread(w.super, NULL, &err), 0);
    assert_int_equal(save_changes(), SUPER_NEEDS_BASE);
    checkpoint();
    assert_int_equal(super_remove_group(w.super, "plain", &err), 0);
    assert_int_equal(save_changes(), SUPER_NEEDS_BASE);
    save_base();
    check_record();
    assert_null(super_find_group(w.super, "plain"));
}

/* It may be the end of an earlier child: then nobody reads. */
static void put_in(int fd, const char *text)
{
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        assert_int_equal(errno, EPIPE);
}

/* Anything that can happen, in any order, with an end of the image now and then. */
static void any_history_round_trips(void **state)
{
    UNUSED(state);
    unsigned seed = 1;
    static char input[20000];
    static const char *const groups[] = {"plain", "capture", "auto", "pool", "fcgi"};
    static const char *const words[] = {"READY\n",      "RESULT 2\nOK",
                                        "RESULT 4\nFA", "IL",
                                        "text\n",       "READY\n",
                                        "RESULT 2\nOK", "<!--XSUPERVISOR:BEGIN",
                                        "--",           "><!--XSUPERVISOR:END-->"};
    for (int i = 0; i < 6000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned dice = seed >> 16;
        struct group *g = super_find_group(w.super, groups[dice % 5]);
        struct process *p = group_at(g, dice / 5 % group_count(g));
        pid_t pid = process_pid(p);
        switch (dice / 16 % 8) {
        case 0:
            process_start(p);
            if (process_pid(p) != pid)
                keep_ends(p);
            break;
        case 1:
            if (dice & 2048)
                process_stop(p);
            break;
        case 2:
            if (pid)
                die(p, dice & 1024 ? 0 : 256);
            break;
        case 3:
            if (pid)
                put_in(w.stdout_of[place_of(p)], words[dice / 128 % array_len(words)]);
            break;
        case 4:
            if (pid && dice & 1024)
                heard(p);
            else
                process_write_stdin(p, input, sizeof input);
            break;
        default:
            turn(dice % 1500);
        }
        turn(0);
        checkpoint();
        if (dice % 16 == 0 && i % 4 == 0)
            check_record();
    }
    assert_true(fake_spawn.starts > 100);
}

static void nothing_started_yet(void **state)
{
    UNUSED(state);
    struct err err;
    struct super_opts o = opts();
    o.conf = (struct conf *)(uintptr_t)super_conf(w.super);
    struct super *old = w.super;
    w.super = super_new(&o);
    super_free(old);
    save_base();
    next_image();
    assert_false(super_started(w.super));
    int starts = fake_spawn.starts;
    turn(0);
    assert_int_equal(fake_spawn.starts, starts);
    super_start(w.super);
    turn(0);
    assert_true(fake_spawn.starts > starts);
    checkpoint();
    next_image();
    assert_true(super_started(w.super));
    assert_int_equal(super_remove_group(w.super, "plain", &err), -1);
}

static void a_shutdown_goes_on(void **state)
{
    UNUSED(state);
    turn(0);
    super_on_signal(w.super, SIGTERM);
    turn(0);
    checkpoint();
    next_image();
    assert_int_equal(super_mood(w.super), MOOD_SHUTDOWN);
    turn(0);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < super_group_count(w.super); k++)
            for (size_t n = 0; n < group_count(super_group_at(w.super, k)); n++) {
                struct process *p = group_at(super_group_at(w.super, k), n);
                if (process_state(p) == PROC_STOPPING)
                    die(p, SIGTERM);
            }
        checkpoint();
        next_image();
        if (i < 3)
            turn(0);
    }
    for (size_t k = 0; k < super_group_count(w.super); k++)
        assert_int_equal(group_unstopped(super_group_at(w.super, k)), 0);
    struct err err;
    assert_int_equal(loop_run(w.loop, &err), 0); /* it stops by itself */
}

static void a_restart_keeps_its_configuration(void **state)
{
    UNUSED(state);
    struct err err;
    turn(0);
    configure("[program:late]\ncommand=/bin/late\n");
    assert_int_equal(super_restart(w.super, &err), 0);
    configure("wrong");
    checkpoint();
    next_image();
    struct conf *next = super_take_restart_conf(w.super);
    assert_non_null(next);
    assert_non_null(conf_find_group(next, "late"));
    assert_null(conf_find_group(super_first_conf(w.super), "late"));
    conf_unref(next);
}

static void a_socket_goes_on(void **state)
{
    UNUSED(state);
    turn(0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/fcgi.sock", conf_dir_path());
    checkpoint();
    next_image();
    struct process *p = find("fcgi", "fcgi");
    int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)(void *)&addr, sizeof addr), 0);
    close(peer);
    process_stop(p);
    die(p, 0);
    assert_int_equal(access(addr.sun_path, F_OK), -1); /* the file was still ours */
}

int main(void)
{
    log_drop_early();
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_rich_state_round_trips),
        T(a_captured_text_goes_on),
        T(events_keep_their_order),
        T(doubts_are_forgiven_once_each),
        T(changes_follow_a_base),
        T(any_history_round_trips),
        T(nothing_started_yet),
        T(a_shutdown_goes_on),
        T(a_restart_keeps_its_configuration),
        T(a_socket_goes_on),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
