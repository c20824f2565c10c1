/* HTTP Basic authentication. The one idea: what was sent and what is right are compared
 * as digests of one length, and both the name and the password always are, so the time
 * shows neither which was wrong nor how far it was right. */
#include "core/wire/basic_auth.h"

#include "core/base/base64.h"
#include "core/base/digest.h"

#include <string.h>

enum { MAX_CREDENTIALS = 4096 };

static bool same_text(struct span sent, const char *right)
{
    char a[65], b[65];

    sha256_hex(sent.ptr, sent.len, a);
    sha256_hex(right, strlen(right), b);
    return mem_equal_ct(a, 64, b, 64);
}

/* sent_hex against the digits in the configuration, which may be upper case. */
static bool same_hex(const char *sent_hex, const char *right)
{
    char lower[65];
    size_t n = strlen(right);

    if (n >= sizeof lower)
        return false;
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(right[i]);
    return mem_equal_ct(sent_hex, strlen(sent_hex), lower, n);
}

static bool same_password(struct span sent, const char *password)
{
    char hex[65];

    if (str_starts(password, "{SHA}")) {
        sha1_hex(sent.ptr, sent.len, hex);
        return same_hex(hex, password + strlen("{SHA}"));
    }
    if (str_starts(password, "{SHA256}")) {
        sha256_hex(sent.ptr, sent.len, hex);
        return same_hex(hex, password + strlen("{SHA256}"));
    }
    return same_text(sent, password);
}

bool basic_auth_check(struct span header, const char *user, const char *password)
{
    struct span scheme, rest = span_trim(header), sent_user, sent_password;
    struct buf decoded;
    bool right = false;

    if (!span_split(&rest, ' ', &scheme) || !span_eq_nocase(scheme, "Basic") || !rest.ptr)
        return false;
    buf_init(&decoded, MAX_CREDENTIALS);
    if (base64_decode(&decoded, rest.ptr, rest.len) == 0) {
        sent_password = (struct span){buf_data(&decoded), decoded.len};
        span_split(&sent_password, ':', &sent_user);
        if (sent_password.ptr) {
            bool user_right = same_text(sent_user, user);
            right = same_password(sent_password, password) && user_right;
        }
    }
    buf_wipe(&decoded);
    return right;
}

int basic_auth_write(struct buf *out, const char *user, const char *password)
{
    size_t before = out->len;
    struct buf both;
    int rc = -1;

    buf_init(&both, BUF_NO_LIMIT);
    if (buf_puts(&both, user) == 0 && buf_putc(&both, ':') == 0 &&
        buf_puts(&both, password) == 0 && buf_puts(out, "Basic ") == 0)
        rc = base64_encode(out, buf_data(&both), both.len);
    if (rc < 0)
        buf_truncate(out, before);
    buf_wipe(&both);
    return rc;
}
