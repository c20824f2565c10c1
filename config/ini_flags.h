/* How inih is built for this project. Force-included when its ini.c is compiled and
 * included before ini.h, since both must see the same values: they change the handler's
 * signature. config/ini_doc.c does all the work on lines and hands inih canonical ones,
 * so everything optional in inih is off. */
#ifndef CONFIG_INI_FLAGS_H
#define CONFIG_INI_FLAGS_H

#define INI_USE_STACK                   0
#define INI_ALLOW_REALLOC               1
#define INI_INITIAL_ALLOC               256
#define INI_MAX_LINE                    16777216
#define INI_HANDLER_LINENO              1
#define INI_CALL_HANDLER_ON_NEW_SECTION 1
#define INI_ALLOW_INLINE_COMMENTS       0
#define INI_ALLOW_MULTILINE             0
#define INI_ALLOW_NO_VALUE              1
#define INI_ALLOW_BOM                   0
#define INI_STOP_ON_FIRST_ERROR         0

#endif
