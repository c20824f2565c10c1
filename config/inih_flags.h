/* How inih is compiled. The build puts this header in front of inih's own source and of
 * config/ini_doc.c, because ini.h declares the handler according to it. inih only splits
 * the lines that the reader in ini_doc.c hands to it: comments, continuations, byte order
 * marks and errors are the reader's business. */
#ifndef CONFIG_INIH_FLAGS_H
#define CONFIG_INIH_FLAGS_H

#define INI_USE_STACK 0
#define INI_ALLOW_REALLOC 1
#define INI_INITIAL_ALLOC 256
#define INI_MAX_LINE 16777216
#define INI_HANDLER_LINENO 1
#define INI_CALL_HANDLER_ON_NEW_SECTION 1
#define INI_ALLOW_INLINE_COMMENTS 0
#define INI_ALLOW_MULTILINE 0
#define INI_ALLOW_NO_VALUE 1
#define INI_ALLOW_BOM 0
#define INI_STOP_ON_FIRST_ERROR 0

#endif
