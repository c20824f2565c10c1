/* XML-RPC documents: recorded ones of Python come back byte for byte; odd but legal ones
 * are understood; the rest is refused. */
#include "core/wire/xmlrpc.h"

#include "core/base/alloc.h"
#include "core/base/str.h"
#include "core/wire/faults.h"

#include "tests/unit/guarded.h"
#include "tests/unit/xmlrpc_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int read_call(const char *text, char **method, struct rpc_value **params,
                     struct err *err)
{
    size_t n = strlen(text);
    struct guarded g = guarded_new(text, n);
    int rc = xmlrpc_read_call(g.data, n, method, params, err);

    guarded_free(&g); /* nothing may point into the document any more */
    return rc;
}

static void pythons_calls_come_back(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(recorded_calls); i++) {
        struct rpc_value *params;
        struct rpc_writer w;
        struct buf out;
        char *method;
        assert_int_equal(read_call(recorded_calls[i], &method, &params, NULL), 0);
        buf_init(&out, BUF_NO_LIMIT);
        rpc_write_init(&w, &out);
        xmlrpc_write_call(&w, method, params);
        assert_false(w.failed);
        assert_string_equal(buf_str(&out), recorded_calls[i]);
        free(method);
        rpc_free(params);
        buf_free(&out);
    }
}

static void pythons_responses_come_back(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(recorded_responses); i++) {
        const char *text = recorded_responses[i];
        struct rpc_value *value;
        struct rpc_writer w;
        struct buf out;
        bool is_fault;
        assert_int_equal(
            xmlrpc_read_response(text, strlen(text), &value, &is_fault, NULL), 0);
        buf_init(&out, BUF_NO_LIMIT);
        rpc_write_init(&w, &out);
        if (is_fault) {
            xmlrpc_write_fault(&w, (int)rpc_get_int(value, "faultCode", 0),
                               rpc_get_str(value, "faultString", ""));
        } else {
            xmlrpc_write_response_begin(&w);
            rpc_write_value(&w, value);
            xmlrpc_write_response_end(&w);
        }
        assert_int_equal(is_fault, i == array_len(recorded_responses) - 1);
        assert_string_equal(buf_str(&out), text);
        rpc_free(value);
        buf_free(&out);
    }
}

/* One parameter, written short: s:text i:7 b:1 d:1.5 n: 6:bytes t:stamp [..] {name=..}.
 */
static void show(struct buf *out, const struct rpc_value *v)
{
    static const char letters[] = "nbids6t";

    if (v->type < RPC_ARRAY)
        assert_int_equal(buf_printf(out, "%c:", letters[v->type]), 0);
    if (v->type == RPC_BOOL || v->type == RPC_INT)
        assert_int_equal(buf_put_int(out, v->type == RPC_INT ? v->number : v->boolean),
                         0);
    if (v->type == RPC_DOUBLE)
        assert_int_equal(buf_printf(out, "%g", v->real), 0);
    if (v->text)
        assert_int_equal(buf_append(out, v->text, v->len), 0);
    if (v->type >= RPC_ARRAY)
        assert_int_equal(buf_puts(out, v->type == RPC_ARRAY ? "[" : "{"), 0);
    for (size_t i = 0; i < v->count; i++) {
        if (v->names)
            assert_int_equal(buf_printf(out, "%s=", v->names[i]), 0);
        show(out, v->items[i]);
        assert_int_equal(buf_putc(out, ','), 0);
    }
    if (v->type >= RPC_ARRAY)
        assert_int_equal(buf_puts(out, v->type == RPC_ARRAY ? "]" : "}"), 0);
}

static void values_are_understood(void **state)
{
    static const struct {
        const char *value, *shown; /* NULL: refused */
    } cases[] = {
        {"<value>plain</value>", "s:plain"},
        {"<value/>", "s:"},
        {"<value></value>", "s:"},
        {"<value>  </value>", "s:  "},
        {"<value> <!-- c --> <int>1</int></value>", "i:1"},
        {"<value>\n<int> 5 </int>\n</value>", "i:5"},
        {"<value><i4>-7</i4></value>", "i:-7"},
        {"<value><i8>9223372036854775807</i8></value>", "i:9223372036854775807"},
        {"<value><int>+3</int></value>", "i:3"},
        {"<value><int></int></value>", NULL},
        {"<value><int>1.5</int></value>", NULL},
        {"<value><int>9223372036854775808</int></value>", NULL},
        {"<value><int>1<x/></int></value>", NULL},
        {"<value><boolean>1</boolean></value>", "b:1"},
        {"<value><boolean>0</boolean></value>", "b:0"},
        {"<value><boolean>2</boolean></value>", NULL},
        {"<value><double>-1.5e2</double></value>", "d:-150"},
        {"<value><double>nan</double></value>", NULL},
        {"<value><string/></value>", "s:"},
        {"<value><string>a<![CDATA[<b>]]>&lt;&#65;</string></value>", "s:a<b><A"},
        {"<value><string>a\r\nb\rc&#13;d</string></value>", "s:a\nb\nc\rd"},
        {"<value><string>&undefined;</string></value>", NULL},
        {"<value><string>\x01</string></value>", NULL},
        {"<value><string>\xff</string></value>", NULL},
        {"<value><base64>\nYWJj\n</base64></value>", "6:abc"},
        {"<value><base64>!</base64></value>", NULL},
        {"<value><dateTime.iso8601>20261121T09:17:03</dateTime.iso8601></value>",
         "t:20261121T09:17:03"},
        {"<value><nil/></value>", "n:"},
        {"<value><nil></nil></value>", "n:"},
        {"<value><nil>x</nil></value>", NULL},
        {"<value><array><data/></array></value>", "[]"},
        {"<value><array> <data> <value>a</value> <value><int>1</int></value> </data> "
         "</array>"
         "</value>",
         "[s:a,i:1,]"},
        {"<value><array/></value>", NULL},
        {"<value><array><value>a</value></array></value>", NULL},
        {"<value><array><data><int>1</int></data></array></value>", NULL},
        {"<value><array><data>x</data></array></value>", NULL},
        {"<value><struct/></value>", "{}"},
        {"<value><struct><member><name>a</name><value>1</value></member><member>"
         "<name>a</name><value>2</value></member></struct></value>",
         "{a=s:2,}"},
        {"<value><struct><member><name/><value/></member></struct></value>", "{=s:,}"},
        {"<value><struct><member><value/></member></struct></value>", NULL},
        {"<value><struct><member><name>a</name></member></struct></value>", NULL},
        {"<value><struct><value/></struct></value>", NULL},
        {"<value>text<int>1</int></value>", NULL},
        {"<value><int>1</int>text</value>", NULL},
        {"<value><int>1</int><int>1</int></value>", NULL},
        {"<value><float>1</float></value>", NULL},
        {"<int>1</int>", NULL},
        {"", NULL},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        char *text = xasprintf("<methodCall><methodName>m</methodName><params><param>%s"
                               "</param></params></methodCall>",
                               cases[i].value);
        struct rpc_value *params;
        struct err err = {0};
        struct buf shown;
        char *method;
        int rc = read_call(text, &method, &params, &err);
        assert_int_equal(rc, cases[i].shown ? 0 : -1);
        if (rc == 0) {
            buf_init(&shown, BUF_NO_LIMIT);
            assert_int_equal(params->count, 1);
            show(&shown, params->items[0]);
            assert_string_equal(buf_str(&shown), cases[i].shown);
            buf_free(&shown);
        } else {
            assert_int_equal(err.code, ERR_SYNTAX);
            assert_non_null(strstr(err.text, " at byte "));
        }
        free(method);
        rpc_free(params);
        free(text);
    }
}

static void calls_are_understood(void **state)
{
    static const struct {
        const char *text, *method; /* NULL: refused */
        size_t params;
    } cases[] = {
        {"<methodCall><methodName>m</methodName></methodCall>", "m", 0},
        {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<methodCall>\r\n<methodName>a.b"
         "</methodName>\r\n<params/>\r\n</methodCall>\r\n",
         "a.b", 0},
        {"<methodCall><methodName>m</methodName><params><param><value/></param> <param>"
         "<value/></param></params></methodCall><!-- end -->",
         "m", 2},
        {"\xef\xbb\xbf<methodCall><methodName>m</methodName></methodCall>", "m", 0},
        {"", NULL, 0},
        {"not xml", NULL, 0},
        {"<methodCall/>", NULL, 0},
        {"<methodCall><methodName/></methodCall>", NULL, 0},
        {"<methodCall><params/></methodCall>", NULL, 0},
        {"<methodCall><methodName>m</methodName>", NULL, 0},
        {"<methodCall><methodName>m</methodName></methodCall>x", NULL, 0},
        {"<methodCall><methodName>m</methodName><params><value/></params></methodCall>",
         NULL, 0},
        {"<methodCall><methodName>m</methodName><params/><params/></methodCall>", NULL,
         0},
        {"<methodCall><methodName>m</methodName><params><param><value/><value/></param>"
         "</params></methodCall>",
         NULL, 0},
        {"<methodResponse><params/></methodResponse>", NULL, 0},
        {"<!DOCTYPE x [<!ENTITY a \"b\">]><methodCall><methodName>m</methodName>"
         "</methodCall>",
         NULL, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct rpc_value *params;
        struct err err = {0};
        char *method;
        int rc = read_call(cases[i].text, &method, &params, &err);
        assert_int_equal(rc, cases[i].method ? 0 : -1);
        assert_true(str_eq(method, cases[i].method));
        assert_int_equal(err.code, cases[i].method ? ERR_NONE : ERR_SYNTAX);
        if (rc == 0)
            assert_int_equal(params->count, cases[i].params);
        else
            assert_null(params);
        free(method);
        rpc_free(params);
    }
}

/* A call whose parameter is open + middle + close, open and close repeated. */
static int read_repeated(const char *open, const char *close, int times, struct err *err)
{
    struct rpc_value *params;
    struct buf doc;
    char *method;
    int rc;

    buf_init(&doc, BUF_NO_LIMIT);
    assert_int_equal(
        buf_puts(&doc, "<methodCall><methodName>m</methodName><params><param>"), 0);
    for (int i = 0; i < times; i++)
        assert_int_equal(buf_puts(&doc, open), 0);
    for (int i = 0; i < times; i++)
        assert_int_equal(buf_puts(&doc, close), 0);
    assert_int_equal(buf_puts(&doc, "</param></params></methodCall>"), 0);
    rc = xmlrpc_read_call(buf_data(&doc), doc.len, &method, &params, err);
    free(method);
    rpc_free(params);
    buf_free(&doc);
    return rc;
}

static void depth_and_number_are_bounded(void **state)
{
    static const char *const open = "<value><array><data>";
    static const char *const close = "</data></array></value>";
    struct err err = {0};

    UNUSED(state);
    assert_int_equal(read_repeated(open, close, 20, &err), 0);
    assert_int_equal(read_repeated(open, close, 30, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(read_repeated(open, close, 100000, &err), -1);

    struct buf doc;
    struct rpc_value *params;
    char *method;
    buf_init(&doc, BUF_NO_LIMIT);
    assert_int_equal(buf_puts(&doc, "<methodCall><methodName>m</methodName><params>"), 0);
    for (int i = 0; i < 100001; i++)
        assert_int_equal(buf_puts(&doc, "<param><value/></param>"), 0);
    assert_int_equal(buf_puts(&doc, "</params></methodCall>"), 0);
    assert_int_equal(xmlrpc_read_call(buf_data(&doc), doc.len, &method, &params, &err),
                     -1);
    assert_memory_equal(err.text, "too many values", 15);
    buf_free(&doc);
}

static void responses_are_judged(void **state)
{
    static const struct {
        const char *text;
        int rc;
        bool is_fault;
    } cases[] = {
        {"<methodResponse><params><param><value><int>1</int></value></param></params>"
         "</methodResponse>",
         0, false},
        {"<methodResponse><fault><value><struct><member><name>faultCode</"
         "name><value><int>10"
         "</int></value></member></struct></value></fault></methodResponse>",
         0, true},
        {"<methodResponse><params/></methodResponse>", -1, false},
        {"<methodResponse/>", -1, false},
        {"<methodResponse><params><param/></params></methodResponse>", -1, false},
        {"<methodResponse><params><param><value/></param><param><value/></param></params>"
         "</methodResponse>",
         -1, false},
        {"<methodResponse><fault><value>x</value></fault></methodResponse>", -1, false},
        {"<html><body>502</body></html>", -1, false},
        {"", -1, false},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct rpc_value *value;
        bool is_fault;
        int rc = xmlrpc_read_response(cases[i].text, strlen(cases[i].text), &value,
                                      &is_fault, NULL);
        assert_int_equal(rc, cases[i].rc);
        assert_int_equal(value != NULL, rc == 0);
        if (rc == 0)
            assert_int_equal(is_fault, cases[i].is_fault);
        rpc_free(value);
    }
}

static void what_xml_cannot_carry_is_replaced(void **state)
{
    static const char foreign[] =
        "a\0b\x1b[0m\xff\xed\xa0\x80 \xef\xbf\xbe\r\n&<>\xc3\xa9";
    struct rpc_writer w;
    struct buf out;

    UNUSED(state);
    buf_init(&out, 1000);
    rpc_write_init(&w, &out);
    rpc_write_text(&w, foreign, sizeof foreign - 1);
    rpc_write_member_str(&w, "n", "\x07");
    rpc_write_str(&w, NULL);
    rpc_write_member_str(&w, "n", NULL);
    assert_string_equal(
        buf_str(&out),
        "<value><string>a\xef\xbf\xbd"
        "b\xef\xbf\xbd[0m\xef\xbf\xbd"
        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd&#13;\n&amp;&lt;&gt;\xc3\xa9"
        "</string></value>\n"
        "<member>\n<name>n</name>\n<value><string>\xef\xbf\xbd</string></value>\n</"
        "member>\n"
        "<value><string></string></value>\n"
        "<member>\n<name>n</name>\n<value><string></string></value>\n</member>\n");
    buf_free(&out);
}

static void a_failed_writer_stays_failed(void **state)
{
    struct rpc_writer w;
    struct buf out;
    size_t had;

    UNUSED(state);
    for (size_t max = 0; max < 400; max++) {
        buf_init(&out, max);
        rpc_write_init(&w, &out);
        xmlrpc_write_response_begin(&w);
        rpc_write_array_begin(&w);
        rpc_write_struct_begin(&w);
        rpc_write_member_str(&w, "name", "a&b");
        rpc_write_member_int(&w, "pid", -12345);
        rpc_write_member_bool(&w, "ok", true);
        rpc_write_struct_end(&w);
        rpc_write_base64(&w, "abc", 3);
        rpc_write_double(&w, 1.5);
        rpc_write_nil(&w);
        rpc_write_array_end(&w);
        xmlrpc_write_response_end(&w);
        assert_true(w.failed);
        had = out.len;
        rpc_write_nil(&w);
        assert_int_equal(out.len, had);
        buf_free(&out);
    }
}

static void members_are_looked_up(void **state)
{
    struct rpc_value *st = rpc_struct();

    UNUSED(state);
    rpc_set(st, "name", rpc_str("cat"));
    rpc_set(st, "pid", rpc_int(7));
    rpc_set(st, "pid", rpc_int(8));
    assert_int_equal(st->count, 2);
    assert_int_equal(rpc_get_int(st, "pid", 0), 8);
    assert_int_equal(rpc_get_int(st, "name", -1), -1);
    assert_int_equal(rpc_get_int(st, "missing", -1), -1);
    assert_string_equal(rpc_get_str(st, "name", "x"), "cat");
    assert_string_equal(rpc_get_str(st, "pid", "x"), "x");
    assert_null(rpc_get(st->items[0], "name"));
    assert_null(rpc_get(NULL, "name"));
    rpc_free(st);
    rpc_free(NULL);
}

static void faults_have_upstreams_names(void **state)
{
    UNUSED(state);
    assert_string_equal(fault_name(10), "BAD_NAME");
    assert_string_equal(fault_name(1), "UNKNOWN_METHOD");
    assert_string_equal(fault_name(92), "CANT_REREAD");
    assert_string_equal(fault_name(5), "UNKNOWN");
}

/* In whatever shape the unwanted members come, the wanted ones stay. */
static void members_not_wanted_are_left_out(void **state)
{
#define M(name, value) "<member><name>" name "</name>" value "</member>"
#define S(text)        "<value><string>" text "</string></value>"
    static const char *const inner[] = {
        M("a", S("1")) M("x", S("no")) M("b", S("2")),
        M("x", S("no")) M("a", S("1")) M("b", S("2")) M("x", S("")),
        "\n<member>\n<name>x</name>\n<value><int>5</int></value>\n</member>\n" M(
            "a", S("1")) M("b", S("2")) "\n",
        M("x", "<value>untyped</value>") M("a", "<value>1</value>") M("b", S("2")),
        M("x", "<value><nil/></value>") M("a", S("1")) M("b", S("2")),
        M("x", "<value><array><data>" S("q") S("r") "</data></array></value>")
            M("a", S("1")) M("b", S("2")),
        M("x", "<value><struct>" M("a", S("deep")) "</struct></value>") M("a", S("1"))
            M("b", S("2")),
        M("x", S("&lt;&amp;")) M("a", S("1")) M("b", S("<![CDATA[2]]>")),
        M("x", S("<!-- -->")) M("a", S("1")) M("b", S("2")) M("<!-- -->x", S("3")),
        M("aa", S("3")) M("a", S("1")) M("", S("4")) M("b", S("2")) M("ab", S("5")),
    };
    static const char *const only[] = {"b", "a", NULL};
    UNUSED(state);
    for (size_t i = 0; i < array_len(inner); i++) {
        struct rpc_value *value;
        bool is_fault;
        char *text = xasprintf("<methodResponse><params><param><value><struct>%s</struct>"
                               "</value></param></params></methodResponse>",
                               inner[i]);
        struct guarded g = guarded_new(text, strlen(text));
        assert_int_equal(xmlrpc_read_response_only(g.data, strlen(text), only, &value,
                                                   &is_fault, NULL),
                         0);
        assert_int_equal(value->count, 2);
        assert_string_equal(rpc_get_str(value, "a", ""), "1");
        assert_string_equal(rpc_get_str(value, "b", ""), "2");
        rpc_free(value);
        guarded_free(&g);
        /* cut anywhere, it is refused and not read past */
        for (size_t n = 0; n < strlen(text); n++) {
            g = guarded_new(text, n);
            assert_int_equal(
                xmlrpc_read_response_only(g.data, n, only, &value, &is_fault, NULL), -1);
            guarded_free(&g);
        }
        free(text);
    }
#undef M
#undef S
}

/* A fault is never filtered. */
static void a_fault_stays_whole(void **state)
{
    static const char text[] =
        "<methodResponse><fault><value><struct>"
        "<member><name>faultCode</name><value><int>10</int></value></member>"
        "<member><name>faultString</name><value><string>BAD_NAME</string></value>"
        "</member></struct></value></fault></methodResponse>";
    static const char *const only[] = {"a", NULL};
    struct rpc_value *value;
    bool is_fault;
    UNUSED(state);
    assert_int_equal(
        xmlrpc_read_response_only(text, sizeof text - 1, only, &value, &is_fault, NULL),
        0);
    assert_true(is_fault);
    assert_int_equal(rpc_get_int(value, "faultCode", 0), 10);
    assert_string_equal(rpc_get_str(value, "faultString", ""), "BAD_NAME");
    rpc_free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pythons_calls_come_back),
        cmocka_unit_test(pythons_responses_come_back),
        cmocka_unit_test(values_are_understood),
        cmocka_unit_test(calls_are_understood),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(responses_are_judged),
        cmocka_unit_test(what_xml_cannot_carry_is_replaced),
        cmocka_unit_test(a_failed_writer_stays_failed),
        cmocka_unit_test(members_are_looked_up),
        cmocka_unit_test(faults_have_upstreams_names),
        cmocka_unit_test(members_not_wanted_are_left_out),
        cmocka_unit_test(a_fault_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
