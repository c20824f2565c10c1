/* Python's % formatting with a mapping. The one idea: a conversion is read into struct
 * spec first (name, flags, width, precision, type), then written; every fault has the
 * words of Python 3.11, since users search for them. */
#include "config/expand.h"

#include "core/base/pytext.h"
#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 100000, OUT_MAX_BYTES = 64 << 20 };

struct spec {
    bool has_name;
    struct span name;
    bool left, plus, blank, alternate, zero;
    int width, precision; /* -1: not given */
    uint32_t type;
};

struct state {
    const char *text, *at;
    const struct scope *scope;
    struct buf out;
    char why[200];       /* a bad format, in Python's words */
    struct span unknown; /* or a name without a value */
    bool has_unknown;
    bool used_bare, bare_allowed;
};

static const char no_more[] = "not enough arguments for format string";

void scope_set_text(struct scope *s, const char *name, const char *text)
{
    s->vars = xreallocarray(s->vars, s->count + 1, sizeof *s->vars);
    s->vars[s->count++] = (struct scope_var){name, text, 0};
}

void scope_set_number(struct scope *s, const char *name, long number)
{
    s->vars = xreallocarray(s->vars, s->count + 1, sizeof *s->vars);
    s->vars[s->count++] = (struct scope_var){name, NULL, number};
}

void scope_clear(struct scope *s)
{
    free(s->vars);
    s->vars = NULL;
    s->count = 0;
}

static bool find_environ(char *const *list, struct span key, struct scope_var *out)
{
    for (; list && *list; list++) {
        if (strncmp(*list, key.ptr, key.len) == 0 && (*list)[key.len] == '=') {
            *out = (struct scope_var){NULL, *list + key.len + 1, 0};
            return true;
        }
    }
    return false;
}

static bool scope_find(const struct scope *s, struct span name, struct scope_var *out)
{
    struct span key = {name.ptr + 4, name.len - 4};
    bool is_env = span_starts(name, "ENV_");
    for (; s; s = s->outer) {
        for (size_t i = s->count; i > 0; i--) {
            if (span_eq(name, s->vars[i - 1].name)) {
                *out = s->vars[i - 1];
                return true;
            }
        }
        for (size_t i = 0; is_env && s->env_keys && i < s->env_keys->len; i++) {
            if (span_eq(key, s->env_keys->items[i])) {
                *out = (struct scope_var){NULL, s->env_values->items[i], 0};
                return true;
            }
        }
        if (is_env && find_environ(s->environ, key, out))
            return true;
    }
    return false;
}

/* ---- reading a conversion ---- */

static int bad(struct state *st, const char *why)
{
    snprintf(st->why, sizeof st->why, "%s", why);
    return -1;
}

static int read_name(struct state *st, struct spec *sp)
{
    const char *begin = ++st->at;
    int depth = 1;
    for (; *st->at; st->at++) {
        if (*st->at == '(')
            depth++;
        else if (*st->at == ')' && --depth == 0)
            break;
    }
    if (*st->at == '\0')
        return bad(st, "incomplete format key");
    sp->has_name = true;
    sp->name = (struct span){begin, (size_t)(st->at - begin)};
    st->at++;
    return 0;
}

static void read_flags(struct state *st, struct spec *sp)
{
    for (;; st->at++) {
        switch (*st->at) {
        case '-':
            sp->left = true;
            break;
        case '+':
            sp->plus = true;
            break;
        case ' ':
            sp->blank = true;
            break;
        case '#':
            sp->alternate = true;
            break;
        case '0':
            sp->zero = true;
            break;
        default:
            return;
        }
    }
}

static int read_number(struct state *st, const struct spec *sp,
                       const struct scope_var *value, int *number, const char *too_big)
{
    /* A star takes the value itself, and then none is left for the conversion. */
    if (*st->at == '*')
        return bad(st, sp->has_name       ? (value->text ? "* wants int" : no_more)
                       : st->bare_allowed ? "* wants int"
                                          : no_more);
    for (; *st->at >= '0' && *st->at <= '9'; st->at++) {
        *number = (*number < 0 ? 0 : *number) * 10 + (*st->at - '0');
        if (*number > WIDTH_MAX)
            return bad(st, too_big);
    }
    return 0;
}

static int read_spec(struct state *st, struct spec *sp, struct scope_var *value)
{
    *sp = (struct spec){.width = -1, .precision = -1};
    if (*st->at == '(') {
        if (read_name(st, sp) < 0)
            return -1;
        if (!scope_find(st->scope, sp->name, value)) {
            st->has_unknown = true;
            st->unknown = sp->name;
            return -1;
        }
    }
    read_flags(st, sp);
    if (read_number(st, sp, value, &sp->width, "width too big") < 0)
        return -1;
    if (*st->at == '.') {
        st->at++;
        sp->precision = 0;
        if (read_number(st, sp, value, &sp->precision, "precision too big") < 0)
            return -1;
    }
    if (*st->at == 'h' || *st->at == 'l' || *st->at == 'L')
        st->at++;
    if (*st->at == '\0')
        return bad(st, "incomplete format");
    size_t n = utf8_decode(st->at, strnlen(st->at, 4), &sp->type);
    if (n == 0) {
        sp->type = (unsigned char)*st->at;
        n = 1;
    }
    st->at += n;
    return 0;
}

/* ---- writing it ---- */

static size_t char_count(const char *p, size_t n)
{
    size_t chars = 0;
    for (size_t i = 0; i < n; i++)
        chars += ((unsigned char)p[i] & 0xc0) != 0x80;
    return chars;
}

static void put_fill(struct buf *out, char c, size_t n)
{
    while (n-- > 0)
        buf_putc(out, c);
}

/* sign is the part that zeros go behind: "-", "+", "0x" ... */
static void put_padded(struct state *st, const struct spec *sp, const char *sign,
                       struct span body, bool zero)
{
    size_t have = strlen(sign) + char_count(body.ptr, body.len);
    size_t want = sp->width > 0 ? (size_t)sp->width : 0;
    size_t gap = want > have ? want - have : 0;
    if (!sp->left && !zero)
        put_fill(&st->out, ' ', gap);
    buf_puts(&st->out, sign);
    if (!sp->left && zero)
        put_fill(&st->out, '0', gap);
    buf_append(&st->out, body.ptr, body.len);
    if (sp->left)
        put_fill(&st->out, ' ', gap);
}

static void put_text(struct state *st, const struct spec *sp, const char *text)
{
    size_t n = strlen(text), chars = 0, i = 0;
    for (; sp->precision >= 0 && i < n; i++) {
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (chars > (size_t)sp->precision)
            break;
    }
    put_padded(st, sp, "", (struct span){text, sp->precision >= 0 ? i : n}, false);
}

static void put_shown(struct state *st, const struct spec *sp,
                      const struct scope_var *value)
{
    char number[32];
    snprintf(number, sizeof number, "%ld", value->number);
    if (!value->text || sp->type == 's') {
        put_text(st, sp, value->text ? value->text : number);
        return;
    }
    char *shown = py_repr(span_of(value->text));
    put_text(st, sp, shown);
    free(shown);
}

static int put_integer(struct state *st, const struct spec *sp,
                       const struct scope_var *value)
{
    bool decimal = strchr("diu", (int)sp->type);
    if (value->text) {
        snprintf(st->why, sizeof st->why, "%%%c format: %s is required, not str",
                 (int)sp->type, decimal ? "a real number" : "an integer");
        return -1;
    }
    bool negative = value->number < 0;
    unsigned long v =
        negative ? 0ul - (unsigned long)value->number : (unsigned long)value->number;
    char digits[32], sign[8];
    const char *prefix = !sp->alternate || decimal ? ""
                         : sp->type == 'o'         ? "0o"
                         : sp->type == 'x'         ? "0x"
                                                   : "0X";
    snprintf(digits, sizeof digits,
             decimal           ? "%lu"
             : sp->type == 'o' ? "%lo"
             : sp->type == 'x' ? "%lx"
                               : "%lX",
             v);
    snprintf(sign, sizeof sign, "%s%s",
             negative    ? "-"
             : sp->plus  ? "+"
             : sp->blank ? " "
                         : "",
             prefix);
    struct buf body;
    buf_init(&body, BUF_NO_LIMIT);
    if (sp->precision > (int)strlen(digits))
        put_fill(&body, '0', (size_t)sp->precision - strlen(digits));
    buf_puts(&body, digits);
    put_padded(st, sp, sign, (struct span){buf_data(&body), body.len}, sp->zero);
    buf_free(&body);
    return 0;
}

/* The value's digits cut to n, rounded half to even as the C library does; returns
 * whether that made one digit more of them (999 -> 1000). */
static bool round_digits(char *digits, size_t n)
{
    size_t have = strlen(digits), i = n;
    bool up =
        have > n && (digits[n] > '5' ||
                     (digits[n] == '5' && (digits[n + 1 + strspn(digits + n + 1, "0")] ||
                                           (digits[n - 1] - '0') % 2)));

    if (have <= n)
        return false;
    digits[n] = '\0';
    while (up && i > 0 && digits[i - 1] == '9')
        digits[--i] = '0';
    if (up && i > 0)
        digits[i - 1]++;
    if (!up || i > 0)
        return false;
    digits[0] = '1';
    return true;
}

/* Of whole numbers only, so that digits are all it takes: e f g of digits[]. */
static void put_float_digits(struct buf *out, const struct spec *sp, char *digits)
{
    bool general = strchr("gG", (int)sp->type), fixed = strchr("fF", (int)sp->type);
    size_t precision = sp->precision < 0     ? 6
                       : sp->precision > 400 ? 400
                                             : (size_t)sp->precision;
    size_t kept = fixed                      ? SIZE_MAX
                  : general && precision > 0 ? precision
                                             : precision + !general;
    size_t exponent, whole, places;

    exponent = strlen(digits) - 1;
    if (!fixed)
        exponent += round_digits(digits, kept ? kept : 1);
    if (general) {
        kept = kept ? kept : 1;
        fixed = exponent < kept;
        precision = fixed ? kept - 1 - exponent : kept - 1;
    }
    whole = fixed ? exponent + 1 : 1;
    places = strlen(digits) > whole ? strlen(digits) - whole : 0;
    if (general && !sp->alternate) {
        while (places > 0 && digits[whole + places - 1] == '0')
            places--;
        precision = places;
    }
    buf_append(out, digits, whole);
    if (precision > 0 || sp->alternate)
        buf_putc(out, '.');
    buf_append(out, digits + whole, places < precision ? places : precision);
    if (precision > places)
        put_fill(out, '0', precision - places);
    if (!fixed)
        buf_printf(out, "%c+%02zu", strchr("EG", (int)sp->type) ? 'E' : 'e', exponent);
}

static int put_float(struct state *st, const struct spec *sp,
                     const struct scope_var *value)
{
    if (value->text)
        return bad(st, "must be real number, not str");
    bool negative = value->number < 0;
    char digits[32];
    struct buf body;
    snprintf(digits, sizeof digits, "%lu",
             negative ? 0ul - (unsigned long)value->number
                      : (unsigned long)value->number);
    buf_init(&body, BUF_NO_LIMIT);
    put_float_digits(&body, sp, digits);
    put_padded(st, sp,
               negative    ? "-"
               : sp->plus  ? "+"
               : sp->blank ? " "
                           : "",
               (struct span){buf_data(&body), body.len}, sp->zero);
    buf_free(&body);
    return 0;
}

static int put_char(struct state *st, const struct spec *sp,
                    const struct scope_var *value)
{
    char encoded[5] = {0};
    if (value->text && char_count(value->text, strlen(value->text)) != 1)
        return bad(st, "%c requires int or char");
    if (!value->text && (value->number < 1 || value->number > 0x10ffff))
        return bad(st, "%c arg not in range(0x110000)");
    if (!value->text)
        utf8_encode((uint32_t)value->number, encoded);
    put_padded(st, sp, "", span_of(value->text ? value->text : encoded), false);
    return 0;
}

/* A conversion without a name would get the whole mapping, once, before any name. */
static int put_nameless(struct state *st, const struct spec *sp, const char *begin)
{
    if (!st->bare_allowed)
        return bad(st, no_more);
    st->bare_allowed = false;
    if (strchr("sra", (int)sp->type)) {
        st->used_bare = true;
        buf_putc(&st->out, '%');
        buf_append(&st->out, begin, (size_t)(st->at - begin));
        return 0;
    }
    if (sp->type == 'c')
        return bad(st, "%c requires int or char");
    if (strchr("eEfFgG", (int)sp->type))
        return bad(st, "must be real number, not dict");
    snprintf(st->why, sizeof st->why, "%%%c format: %s is required, not dict",
             (int)sp->type,
             strchr("diu", (int)sp->type) ? "a real number" : "an integer");
    return -1;
}

static int unsupported(struct state *st, const struct spec *sp)
{
    const char *last = st->at - 1;
    while (last > st->text && ((unsigned char)*last & 0xc0) == 0x80)
        last--;
    snprintf(st->why, sizeof st->why,
             "unsupported format character '%c' (0x%x) at index %zu",
             sp->type > 31 && sp->type < 126 ? (int)sp->type : '?', (unsigned)sp->type,
             char_count(st->text, (size_t)(last - st->text)));
    return -1;
}

static int convert(struct state *st)
{
    const char *begin = st->at;
    struct spec sp;
    struct scope_var value = {0};

    if (*st->at == '%') { /* only right behind the first one */
        buf_putc(&st->out, *st->at++);
        return 0;
    }
    if (read_spec(st, &sp, &value) < 0)
        return -1;
    if (sp.has_name)
        st->bare_allowed = false;
    if (sp.type >= 0x80 || !strchr("sradiuoxXeEfFgGc", (int)sp.type)) {
        if (!sp.has_name && !st->bare_allowed)
            return bad(st, no_more);
        return unsupported(st, &sp);
    }
    if (!sp.has_name)
        return put_nameless(st, &sp, begin);
    if (strchr("sra", (int)sp.type))
        put_shown(st, &sp, &value);
    else if (sp.type == 'c')
        return put_char(st, &sp, &value);
    else if (strchr("eEfFgG", (int)sp.type))
        return put_float(st, &sp, &value);
    else
        return put_integer(st, &sp, &value);
    return 0;
}

/* ---- messages ---- */

static void collect_names(const struct scope *scope, struct strv *names)
{
    for (const struct scope *s = scope; s; s = s->outer) {
        for (size_t i = 0; i < s->count; i++)
            strv_push(names, s->vars[i].name);
        for (size_t i = 0; s->env_keys && i < s->env_keys->len; i++)
            strv_take(names, xasprintf("ENV_%s", s->env_keys->items[i]));
        for (char *const *e = s->environ; e && *e; e++)
            strv_take(names, xasprintf("ENV_%.*s", (int)strcspn(*e, "="), *e));
    }
    strv_sort(names);
}

/* The known names, sorted; with a large environment only as many as fit a message, those
 * that are not variables first in line to stay. */
static char *list_names(const struct scope *scope, size_t room)
{
    struct strv names = {0};
    struct buf out;
    size_t needed = 0, skipped = 0;

    collect_names(scope, &names);
    for (size_t i = 0; i < names.len; i++)
        needed += strlen(names.items[i]) + 2;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t i = 0; i < names.len; i++) {
        if (i > 0 && str_eq(names.items[i], names.items[i - 1]))
            continue;
        size_t n = strlen(names.items[i]) + 2;
        if (needed > room && str_starts(names.items[i], "ENV_")) {
            needed -= n;
            skipped++;
            continue;
        }
        if (skipped > 0)
            buf_puts(&out, "ENV_..., ");
        skipped = 0;
        buf_printf(&out, "%s, ", names.items[i]);
    }
    buf_truncate(&out, out.len >= 2 ? out.len - 2 : 0);
    strv_free(&names);
    return buf_detach(&out);
}

static void report(const struct state *st, const char *what, struct err *err)
{
    char *text = py_repr(span_of(st->text)), *where = py_repr(span_of(what));
    if (st->has_unknown) {
        char *name = py_repr(st->unknown);
        char *names = list_names(st->scope, 500);
        err_set(err, ERR_CONFIG,
                "Format string %.300s for %s contains names (%.60s) which cannot be "
                "expanded. Available names: %s",
                text, where, name, names);
        free(names);
        free(name);
    } else {
        err_set(err, ERR_CONFIG, "Format string %.500s for %s is badly formatted: %s",
                text, where, st->why);
    }
    free(where);
    free(text);
}

char *expand(const char *text, const struct scope *scope, const char *what, bool *bare,
             struct err *err)
{
    struct state st = {.text = text, .at = text, .scope = scope, .bare_allowed = true};
    int rc = 0;

    buf_init(&st.out, OUT_MAX_BYTES);
    while (rc == 0 && *st.at) {
        size_t n = strcspn(st.at, "%");
        if (buf_append(&st.out, st.at, n) < 0)
            rc = bad(&st, "the result is too large");
        st.at += n;
        if (rc == 0 && *st.at == '%') {
            st.at++;
            rc = convert(&st);
        }
    }
    if (rc < 0) {
        report(&st, what, err);
        buf_free(&st.out);
        return NULL;
    }
    if (bare)
        *bare = st.used_bare;
    return buf_detach(&st.out);
}
