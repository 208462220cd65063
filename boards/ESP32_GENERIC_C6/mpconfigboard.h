#include "ports/esp32/boards/ESP32_GENERIC_C6/mpconfigboard.h"
