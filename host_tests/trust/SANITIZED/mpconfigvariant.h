#include "../../../boards/UNIX/mpconfigvariant.h"
