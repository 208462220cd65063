#include "../../../boards/UNIX/mpconfigvariant.h"

// Clang 19 and its sanitizers do not bear the jumps in assembler.
#define MICROPY_NLR_SETJMP (1)
