/* Names of the fault codes. */
#include "core/wire/faults.h"

#include "core/base/util.h"

// clang-format off
#define F(name) { FAULT_##name, #name }
static const struct {
    int code;
    const char *name;
} faults[] = {
    F(UNKNOWN_METHOD), F(INCORRECT_PARAMETERS), F(BAD_ARGUMENTS),
    F(SIGNATURE_UNSUPPORTED), F(SHUTDOWN_STATE), F(BAD_NAME), F(BAD_SIGNAL), F(NO_FILE),
    F(NOT_EXECUTABLE), F(FAILED), F(ABNORMAL_TERMINATION), F(SPAWN_ERROR),
    F(ALREADY_STARTED), F(NOT_RUNNING), F(SUCCESS), F(ALREADY_ADDED), F(STILL_RUNNING),
    F(CANT_REREAD),
};
#undef F
// clang-format on

const char *fault_name(int code)
{
    for (size_t i = 0; i < array_len(faults); i++)
        if (faults[i].code == code)
            return faults[i].name;
    return "UNKNOWN";
}
