#include "ports/esp32/boards/ESP32_GENERIC_C3/mpconfigboard.h"
